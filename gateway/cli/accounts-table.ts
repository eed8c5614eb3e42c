import type { Account } from '../identity/account.ts'

/** One aligned line an account, under a line of titles. */
export function accountsTable(accounts: readonly Account[]): string {
  const rows = [
    ['ID', 'EMAIL', 'FIRST NAME', 'LAST NAME', 'ROLE', 'PLAN', 'ACTIVE'],
    ...accounts.map(({ id, email, firstName, lastName, role, plan, isActive }) =>
      [id, email, firstName, lastName, role, plan ?? '-', isActive ? 'yes' : 'no'].map(printable),
    ),
  ]
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, i) => Math.max(widest[i] ?? 0, [...cell].length)),
    [],
  )
  return rows
    .map((row) => row.map((cell, i) => cell + ' '.repeat((widths[i] ?? 0) - [...cell].length)))
    .map((cells) => `${cells.join('  ').trimEnd()}\n`)
    .join('')
}

/** A name from an older table may hold anything; a terminal would obey its escape sequences. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
  })
}
