import { printable } from './accounts-table.ts'

/** What the admin API answers about one subject. */
export interface LimitsAnswer {
  readonly subject: string
  readonly account: { readonly firstName: string; readonly lastName: string; readonly email: string } | null
  readonly policies: readonly {
    readonly bucket: string
    readonly algorithm: string
    readonly isShadow: boolean
    readonly quota: number
    readonly windowSeconds: number
    readonly remaining: number
    readonly resetSeconds: number
    readonly boostedUntil: string | null
    readonly bannedUntil: string | null
  }[]
  readonly reset?: readonly string[]
  readonly boosted?: readonly string[]
}

/** One line per window, in columns, after what was done and whose windows they are. */
export function limitsTable({ subject, account, policies, reset, boosted }: LimitsAnswer): string {
  const person = account === null ? '' : ` (${account.firstName} ${account.lastName}, ${account.email})`
  const whose = printable(`${subject}${person}`)
  const done = [
    ...(reset === undefined ? [] : [`reset ${reset.join(', ')}`]),
    ...(boosted === undefined ? [] : [`boosted ${boosted.join(', ')}`]),
  ]
  if (policies.length === 0) return `${[...done, `${whose}: no policy counts it`].join('\n')}\n`
  const head = ['POLICY', 'ALGORITHM', 'QUOTA', 'WINDOW', 'LEFT', 'RESET', 'NOTES']
  const rows = policies.map((window) => [
    window.bucket,
    window.algorithm,
    String(window.quota),
    `${window.windowSeconds}s`,
    String(window.remaining),
    `${window.resetSeconds}s`,
    notesOf(window),
  ])
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => (row[i] as string).length)))
  const lines = [head, ...rows].map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] as number))
      .join('  ')
      .trimEnd(),
  )
  return `${[...done, whose, ...lines].join('\n')}\n`
}

function notesOf({ boostedUntil, bannedUntil, isShadow }: LimitsAnswer['policies'][number]): string {
  const notes = [
    ...(bannedUntil === null ? [] : [`banned until ${bannedUntil}`]),
    ...(boostedUntil === null ? [] : [`boosted until ${boostedUntil}`]),
    ...(isShadow ? ['shadow'] : []),
  ]
  return notes.join(', ')
}
