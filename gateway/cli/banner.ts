/** Where everything listens; `adminToken` and `accounts` in the demo only, or when the token was made here. */
export interface Banner {
  readonly gateway: string
  readonly admin: string
  readonly backend?: string
  /** The check listener. */
  readonly check?: string
  readonly adminToken?: string
  readonly accounts?: readonly { readonly email: string; readonly password: string }[]
}

/** One JSON line for programs, a few lines for people. */
export function printBanner(banner: Banner): void {
  const text = process.stdout.isTTY
    ? forPeople(banner)
    : `${JSON.stringify({ event: 'listening', ...banner })}\n`
  process.stdout.write(text)
}

function forPeople({ gateway, admin, backend, check, adminToken, accounts = [] }: Banner): string {
  const lines = [
    '',
    '  Guichet is open.',
    '',
    `  Log in        ${gateway}/auth/login`,
    `  Gateway       ${gateway}`,
  ]
  if (backend !== undefined) lines.push(`  EtuServices   ${backend} (behind the gateway)`)
  if (check !== undefined) lines.push(`  Check         ${check}`)
  lines.push(`  Admin         ${admin}`)
  if (adminToken !== undefined) lines.push(`  Admin token   ${adminToken}`)
  if (accounts.length > 0) lines.push('', '  Accounts')
  for (const { email, password } of accounts) lines.push(`    ${email.padEnd(28)} ${password}`)
  lines.push('', '  Ctrl-C stops it.', '')
  return `${lines.join('\n')}\n`
}
