import type { ConfigDraft } from '../draft.ts'
import type { Finding } from '../problem.ts'
import { entriesOf } from './entries.ts'
import { checkOrigin } from './origin.ts'

/** Origins as browsers send them, or `*` alone. */
export function checkAnswers({ answers }: ConfigDraft): Finding[] {
  const written = answers?.corsOrigins
  if (written === undefined) return []
  const isText = typeof written === 'string'
  const entries = isText ? entriesOf(written) : written
  return entries.flatMap((entry, index): Finding[] => {
    const path = ['answers', 'corsOrigins', ...(isText ? [] : [index])]
    if (entry === undefined) return []
    if (entry.trim() !== '*') return checkOrigin(entry.trim(), path)
    if (entries.length === 1) return []
    return [
      { path, value: '"*"', message: 'every origin, beside others', cure: 'write "*" alone, or remove it' },
    ]
  })
}
