import { GatewayError } from '../errors.ts'

/** Where something stands in an answer: a JSON pointer (RFC 6901) into its body, or `header:<name>`. */
export type Place = string

/** How the login of the app behind us is recognised and read. Paths as routes have them. */
export interface DelegateRules {
  readonly path: string
  readonly method: string
  /** JSON pointer into the request's JSON; of a form it is the field's name after a slash. */
  readonly account: string
  readonly successStatus: number
  readonly subject: Place
  readonly email: Place | null
  readonly firstName: Place | null
  readonly lastName: Place | null
  /** JSON pointers to what must not leave. */
  readonly redact: readonly string[]
  readonly logout: readonly string[]
}

export interface DelegatedAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** Who has logged in, as the app says. */
export interface DelegatedPerson {
  readonly subject: string
  readonly email: string | null
  readonly firstName: string
  readonly lastName: string
}

export type AnswerReading =
  /** `body` as it may leave. */
  | { readonly kind: 'logged-in'; readonly person: DelegatedPerson; readonly body: Buffer }
  | { readonly kind: 'refused'; readonly body: Buffer }
  /** Accepted, but of whom it does not say where it should. */
  | { readonly kind: 'unnamed'; readonly body: Buffer }
  /** Nobody can tell what is in it, so nothing can be taken out of it. */
  | { readonly kind: 'unreadable' }

/** What the app's answer to a login says, and what of it may leave. */
export function readAnswer(rules: DelegateRules, { status, headers, body }: DelegatedAnswer): AnswerReading {
  const encoding = String(headers['content-encoding'] ?? 'identity')
  const json = encoding === 'identity' ? parseJson(body) : undefined
  // A page or a redirect holds no fields; what claims to be JSON and is none (lines of it, a script), or is packed, may hold any.
  if (
    json === undefined &&
    (encoding !== 'identity' || /json|script/i.test(String(headers['content-type'])))
  ) {
    return body.length === 0 ? { kind: 'refused', body } : { kind: 'unreadable' }
  }
  const text = (place: Place | null): string | null => textAt(place, json, headers)
  const subject = text(rules.subject)
  const [email, firstName, lastName] = [rules.email, rules.firstName, rules.lastName].map(text)
  const shown = redacted(json, rules.redact, body)
  if (status !== rules.successStatus) return { kind: 'refused', body: shown }
  if (subject === null) return { kind: 'unnamed', body: shown }
  const person = { subject, email: email ?? null, firstName: firstName ?? '', lastName: lastName ?? '' }
  return { kind: 'logged-in', person, body: shown }
}

/**
 * The account that a login names, in JSON or in a form; null when it cannot be found there.
 *
 * @throws GatewayError `invalid-body` for a form that names two: we would count guesses at one, and the app take the other
 */
export function typedAccount({ account }: DelegateRules, contentType: string, body: Buffer): string | null {
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType)) {
    const name = account.slice(1)
    const typed = new URLSearchParams(body.toString('utf8')).getAll(name)
    if (typed.length > 1) throw new GatewayError('invalid-body', { sentence: `Send ${name} once.` })
    return typed[0] ?? null
  }
  const typed = valueAt(parseJson(body), account)
  return typeof typed === 'string' ? typed : null
}

/** Undefined when it is no JSON. Numbers that JavaScript would round keep their digits. Clients skip the mark at its beginning. */
function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(
      body.toString('utf8').replace(/^\ufeff/, ''),
      keepDigits as (key: string, value: unknown) => unknown,
    )
  } catch {
    return undefined
  }
}

interface RawJson {
  readonly rawJSON: string
}
const { isRawJSON, rawJSON } = JSON as unknown as {
  isRawJSON(value: unknown): value is RawJson
  rawJSON(text: string): RawJson
}

function keepDigits(_key: string, value: unknown, { source }: { source?: string }): unknown {
  return typeof value === 'number' && source !== undefined && String(value) !== source
    ? rawJSON(source)
    : value
}

function textAt(place: Place | null, json: unknown, headers: DelegatedAnswer['headers']): string | null {
  if (place === null) return null
  const value = place.startsWith('header:')
    ? headers[place.slice('header:'.length).toLowerCase()]
    : valueAt(json, place)
  const text = isRawJSON(value) ? value.rawJSON : typeof value === 'number' ? String(value) : value
  const trimmed = typeof text === 'string' ? text.trim() : ''
  return trimmed === '' || trimmed.length > 254 || /[\p{Cc}\p{Cs}]/u.test(trimmed) ? null : trimmed
}

function valueAt(json: unknown, pointer: string): unknown {
  const found = parentOf(json, pointer)
  return found?.parent[found.name]
}

/** The object or list that holds what the pointer names, when it does. */
function parentOf(json: unknown, pointer: string): { parent: Record<string, unknown>; name: string } | null {
  const names = pointer.split('/').slice(1).map(unescaped)
  const name = names.pop() as string
  let parent = json
  for (const step of names) parent = ownValue(parent, step)
  return ownValue(parent, name) === undefined ? null : { parent: parent as Record<string, unknown>, name }
}

/** Own members only: `/constructor` names nothing. */
const ownValue = (parent: unknown, name: string): unknown =>
  typeof parent === 'object' && parent !== null && Object.hasOwn(parent, name)
    ? (parent as Record<string, unknown>)[name]
    : undefined

const unescaped = (step: string): string => step.replaceAll('~1', '/').replaceAll('~0', '~')

/**
 * Written anew though nothing was found: of a member that comes twice only the last was looked at, and the other
 * would leave with the bytes as they came.
 */
function redacted(json: unknown, pointers: readonly string[], body: Buffer): Buffer {
  if (json === undefined || pointers.length === 0) return body
  for (const pointer of pointers) {
    const found = parentOf(json, pointer)
    if (found !== null) delete found.parent[found.name]
  }
  return Buffer.from(JSON.stringify(json))
}
