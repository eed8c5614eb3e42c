import { GatewayError } from '../errors.ts'
import type { NewAccountByAdministrator } from '../identity/account-administration.ts'
import type { TypedChanges } from '../identity/change-account.ts'

interface Field {
  readonly isFit: (value: unknown) => boolean
  readonly wanted: string
}

const text: Field = { isFit: (value) => typeof value === 'string', wanted: 'a text' }

const fields = {
  firstName: text,
  lastName: text,
  email: text,
  password: text,
  role: { isFit: (value) => value === 'user' || value === 'admin', wanted: '"user" or "admin"' },
  plan: { isFit: (value) => value === null || typeof value === 'string', wanted: 'a text, or null for none' },
  isActive: { isFit: (value) => typeof value === 'boolean', wanted: 'true or false' },
} as const satisfies Record<string, Field>

type FieldName = keyof typeof fields

/** @throws GatewayError `invalid-body` that names the field and the cure */
export function readNewAccount(body: unknown): NewAccountByAdministrator {
  const needed = ['firstName', 'lastName', 'email'] as const
  const given = readFields(body, [...needed, 'password', 'role', 'plan'])
  const missing = needed.filter((name) => !Object.hasOwn(given, name))
  if (missing.length > 0) throw invalid(`${missing.join(' and ')} missing.`)
  return given as unknown as NewAccountByAdministrator
}

/** @throws GatewayError `invalid-body` that names the field and the cure */
export function readChanges(body: unknown): TypedChanges {
  const names = Object.keys(fields) as FieldName[]
  const given = readFields(body, names)
  if (Object.keys(given).length === 0) throw invalid(`Nothing to change. Send some of ${names.join(', ')}.`)
  return given as TypedChanges
}

function readFields(body: unknown, names: readonly FieldName[]): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid(`The body is not an object. Send JSON with ${names.join(', ')}.`)
  }
  for (const [name, value] of Object.entries(body)) {
    const known = names.find((each) => each === name)
    if (known === undefined) {
      throw invalid(`Unknown field ${JSON.stringify(name.slice(0, 40))}. Send some of ${names.join(', ')}.`)
    }
    if (!fields[known].isFit(value)) throw invalid(`${known} must be ${fields[known].wanted}.`)
  }
  return { ...body }
}

const invalid = (sentence: string): GatewayError => new GatewayError('invalid-body', { sentence })
