import { type ErrorCode, errorTable, type Refusal } from './errors.ts'

/** RFC 9457, with the members every problem of ours has. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: ErrorCode
  readonly requestId: string
  readonly retryAfterSeconds?: number
}

/** The IANA registry names some of our problems; the others carry a URN of their own. */
const registered: Partial<Record<ErrorCode, string>> = {
  'quota-exceeded': 'quota-exceeded',
  'abnormal-usage': 'abnormal-usage-detected',
  'store-unavailable': 'temporary-reduced-capacity',
  overloaded: 'temporary-reduced-capacity',
}

function problemType(code: ErrorCode): string {
  const name = registered[code]
  return name === undefined
    ? `urn:guichet:problem:${code}`
    : `https://iana.org/assignments/http-problem-types#${name}`
}

export function problemOf({ code, details }: Refusal, requestId: string): Problem {
  const { retryAfterSeconds } = details
  return {
    ...membersOf(code, details.sentence),
    requestId,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...details.members,
  }
}

function membersOf(code: ErrorCode, sentence?: string) {
  const { title, status, sentence: usual } = errorTable[code]
  return { type: problemType(code), title, status, detail: sentence ?? usual, code }
}

/** `problemOf` as JSON, at half the price for a refusal in the table's own words. */
export function problemText(refusal: Refusal, requestId: string): string {
  const { code, details } = refusal
  if (details.sentence !== undefined) return JSON.stringify(problemOf(refusal, requestId))
  const { retryAfterSeconds, members } = details
  return `${beginnings[code]},${JSON.stringify({ requestId, retryAfterSeconds, ...members }).slice(1)}`
}

/** The text of each problem up to the members that differ from one request to the next. */
const beginnings = Object.fromEntries(
  Object.keys(errorTable).map((code) => [code, JSON.stringify(membersOf(code as ErrorCode)).slice(0, -1)]),
) as Readonly<Record<ErrorCode, string>>
