import { useQuery } from '@tanstack/react-query'
import { useEffect, useReducer } from 'react'

import { recentActionsQuery, type Action } from '@/api/actions'
import type { EventFrame } from '@/api/frames'
import { useLiveEvents } from '@/live'

import { entryOfAction, entryOfEvent, isRetold } from './entry'
import { addArrivals, addHistory, EMPTY, type Timeline } from './timeline'

type News =
  | { kind: 'history'; actions: Action[] }
  | { kind: 'pushed'; events: EventFrame[]; now: number }

function learn(timeline: Timeline, news: News): Timeline {
  if (news.kind === 'history') {
    return addHistory(timeline, news.actions.map((action) => entryOfAction(action)).toReversed())
  }
  return addArrivals(
    timeline,
    news.events
      .filter((event) => !isRetold(event))
      .map((event) => entryOfEvent(event, news.now)),
  )
}

/** What was fetched at first and after every gap, and what was pushed since. */
export function useTimeline() {
  const [timeline, tell] = useReducer(learn, EMPTY)
  const { data, error, isPending, refetch } = useQuery(recentActionsQuery)

  useEffect(() => {
    if (data) tell({ kind: 'history', actions: data.actions })
  }, [data])
  useLiveEvents((events) => tell({ kind: 'pushed', events, now: Date.now() }))

  return { timeline, error, isPending, refetch }
}
