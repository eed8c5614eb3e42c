import { promisedSeries } from './promised-metrics.ts'

const keywords = new Set(['and', 'or', 'unless', 'offset', 'bool'])
const grouping = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g
const selector = /(?<![\w.:])([a-zA-Z_:][\w:]*)(?![\w:])(?!\s*\()\s*(?:\{([^}]*)\})?/g

/**
 * What an expression asks for beyond the promise: series that nobody promised, and labels that the series it
 * names do not have. Empty when all is promised. Knows as much PromQL as our own expressions use.
 */
export function unpromised(expr: string): string[] {
  const bare = expr.replace(/"(?:[^"\\]|\\.)*"/g, '""').replace(/\[[^\]]*\]/g, '')
  const selectors = [...bare.replace(grouping, ' ').matchAll(selector)].filter(
    ([, name = '']) => !keywords.has(name),
  )
  const named = selectors.map(([, name = '', matchers = '']) => ({
    name,
    labels: promisedSeries.get(name),
    asked: [...matchers.matchAll(/(\w+)\s*(?:=|!)/g)].map(([, label = '']) => label),
  }))
  const known = named.flatMap(({ labels = [] }) => labels)
  const grouped = [...bare.matchAll(grouping)].flatMap(([, labels = '']) => labels.match(/\w+/g) ?? [])
  return [
    ...named.filter(({ labels }) => labels === undefined).map(({ name }) => name),
    ...named.flatMap(({ name, labels = [], asked }) =>
      asked.filter((label) => !labels.includes(label)).map((label) => `${name}{${label}}`),
    ),
    ...grouped.filter((label) => !known.includes(label)).map((label) => `by (${label})`),
  ]
}
