import { CircleAlert } from 'lucide-react'
import { Component, type ReactNode } from 'react'

import { Button } from '@/ui/button'
import { Notice } from '@/ui/notice'

interface State {
  error: Error | null
}

export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = { error: null }

  static getDerivedStateFromError(error: Error): State {
    return { error }
  }

  override render() {
    const { error } = this.state
    if (!error) return this.props.children
    return (
      <Notice
        icon={CircleAlert}
        tone="bad"
        title="This page broke"
        action={<Button onClick={() => location.reload()}>Load it again</Button>}
      >
        {error.message}
      </Notice>
    )
  }
}
