import { readdirSync } from 'node:fs'

import js from '@eslint/js'
import { createNodeResolver, importX } from 'eslint-plugin-import-x'
import a11y from 'eslint-plugin-jsx-a11y'
import hooks from 'eslint-plugin-react-hooks'
import globals from 'globals'
import tseslint from 'typescript-eslint'

const src = new URL('./src', import.meta.url).pathname

/** Layers from the top down; a layer may import those below it, never one above. */
const layers = ['app', 'features', 'live', 'api', 'ui']

const upward = layers.slice(1).map((layer, position) => ({
  target: `${src}/${layer}`,
  from: layers.slice(0, position + 1).map((above) => `${src}/${above}`),
  message: 'Imports run one way: app -> features -> live -> api, ui.',
}))

const apart = readdirSync(`${src}/features`).map((feature) => ({
  target: `${src}/features/${feature}`,
  from: `${src}/features`,
  except: [`./${feature}`],
  message: 'A feature never imports another feature.',
}))

const standalone = [
  {
    target: `${src}/api`,
    from: `${src}/ui`,
    message: 'The data knows nothing of how it is drawn.',
  },
  {
    target: layers.map((layer) => `${src}/${layer}/**/!(*.test).{ts,tsx}`),
    from: `${src}/testing`,
    message: 'Only tests use the factories and stand-ins.',
  },
]

export default tseslint.config(
  { ignores: ['src/api/schema.d.ts', 'dist'] },
  js.configs.recommended,
  tseslint.configs.strict,
  a11y.flatConfigs.strict,
  hooks.configs.flat['recommended-latest'],
  {
    plugins: { 'import-x': importX },
    settings: {
      'import-x/resolver-next': [
        createNodeResolver({ extensions: ['.ts', '.tsx', '.js'], alias: { '@': [src] } }),
      ],
    },
    languageOptions: { globals: { ...globals.browser, ...globals.node } },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones: [...upward, ...apart, ...standalone] }],
      'import-x/no-cycle': 'error',
      'import-x/order': [
        'error',
        {
          groups: ['builtin', 'external', 'internal', 'parent', 'sibling'],
          pathGroups: [{ pattern: '@/**', group: 'internal' }],
          'newlines-between': 'always',
          alphabetize: { order: 'asc' },
        },
      ],
      // It speaks of the React compiler, which is not in use.
      'react-hooks/incompatible-library': 'off',
      'max-lines': ['error', { max: 300 }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/no-explicit-any': 'error',
    },
  },
  {
    files: ['**/*.test.{ts,tsx}'],
    rules: { 'max-lines-per-function': 'off' },
  },
)
