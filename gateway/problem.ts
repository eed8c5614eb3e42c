import { type ErrorCode, errorTable, type GatewayError } from './errors.ts'

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

export function problemOf({ code, details, message, status }: GatewayError, requestId: string): Problem {
  const { retryAfterSeconds } = details
  return {
    type: problemType(code),
    title: errorTable[code].title,
    status,
    detail: message,
    code,
    requestId,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...details.members,
  }
}
