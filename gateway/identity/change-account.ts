import type { AccountChanges } from './accounts.ts'
import { type FieldProblems, nameProblem, passwordProblem, planProblem, problemOf } from './create-account.ts'
import { normaliseEmail } from './email.ts'

/** What may be typed for an account that exists; what is left out stays. */
export type TypedChanges = AccountChanges & { readonly password?: string }

export type ChangesReading =
  | { readonly kind: 'changes'; readonly changes: AccountChanges; readonly password: string | null }
  | { readonly kind: 'invalid'; readonly problems: FieldProblems }

/** Names trimmed, e-mail normalised, the password as typed; all problems are told at once. */
export function readAccountChanges({ password, ...typed }: TypedChanges): ChangesReading {
  const firstName = typed.firstName?.trim()
  const lastName = typed.lastName?.trim()
  const email = typed.email === undefined ? null : normaliseEmail(typed.email)
  const problems: FieldProblems = {
    ...(firstName !== undefined && problemOf('firstName', nameProblem(firstName))),
    ...(lastName !== undefined && problemOf('lastName', nameProblem(lastName))),
    ...(email?.kind === 'invalid' && problemOf('email', `The e-mail ${email.reason}.`)),
    ...(password !== undefined && problemOf('password', passwordProblem(password))),
    ...problemOf('plan', planProblem(typed.plan ?? null)),
  }
  if (Object.keys(problems).length > 0) return { kind: 'invalid', problems }
  const changes = {
    ...typed,
    ...(firstName !== undefined && { firstName }),
    ...(lastName !== undefined && { lastName }),
    ...(email?.kind === 'email' && { email: email.email }),
  }
  return { kind: 'changes', changes, password: password ?? null }
}
