/** Whose side failed: the caller sent something wrong, we did, the app behind us did, or a store of ours. */
export type Side = 'caller' | 'gateway' | 'upstream' | 'store'

interface ErrorEntry {
  readonly status: number
  readonly side: Side
  /** Whether the same call may pass later without being changed. */
  readonly mayRetry: boolean
  readonly title: string
  /** The public sentence: what happened and what to do. It tells nothing about the inside. */
  readonly sentence: string
}

/** Every error the gateway answers. README.md lists them; a test holds the two together. */
export const errorTable = {
  'invalid-request': entry(
    400,
    'caller',
    false,
    'Bad request',
    'The request is malformed. Send it as HTTP/1.1 says, with one Host.',
  ),
  'ambiguous-path': entry(
    400,
    'caller',
    false,
    'Ambiguous path',
    'The path can be read in two ways. Send it without //, dot segments, ; or encoded slashes.',
  ),
  'ambiguous-credentials': entry(
    400,
    'caller',
    false,
    'Ambiguous credentials',
    'The request carries more than one identity. Send one Authorization header or one session cookie.',
  ),
  'invalid-body': entry(400, 'caller', false, 'Invalid body', 'The body does not have the expected fields.'),
  'key-missing': entry(
    400,
    'caller',
    false,
    'Header missing',
    'Calls are counted by a header that was not sent. Send it.',
  ),
  'invalid-code': entry(
    400,
    'caller',
    false,
    'Invalid code',
    'The code is wrong or has expired. Ask for a new one.',
  ),
  unauthenticated: entry(
    401,
    'caller',
    false,
    'Log in first',
    'This needs a session. Log in, then try again.',
  ),
  'invalid-credentials': entry(
    401,
    'caller',
    false,
    'Wrong e-mail or password',
    'The e-mail and the password do not match an active account.',
  ),
  'cross-site': entry(
    403,
    'caller',
    false,
    'Cross-site request refused',
    'This form was sent from another site. Open the page itself and try again.',
  ),
  'call-refused': entry(
    403,
    'caller',
    false,
    'Call refused',
    'The call that was asked about cannot be let through. Change it as the detail says.',
  ),
  'not-found': entry(404, 'caller', false, 'Not found', 'Nothing is served at this address.'),
  'method-not-allowed': entry(405, 'caller', false, 'Method not allowed', 'This method is not served here.'),
  'request-timeout': entry(
    408,
    'caller',
    true,
    'Request too slow',
    'The request did not arrive in time. Send it again.',
  ),
  conflict: entry(
    409,
    'caller',
    false,
    'Conflict',
    'This cannot be done as things are. Change what the detail says, then try again.',
  ),
  'body-too-large': entry(
    413,
    'caller',
    false,
    'Body too large',
    'The body is larger than this route accepts.',
  ),
  'path-too-long': entry(
    414,
    'caller',
    false,
    'Address too long',
    'The address is longer than 8 KB. Send the data in a body.',
  ),
  'unsupported-media-type': entry(
    415,
    'caller',
    false,
    'Unsupported media type',
    'Send application/json or an HTML form.',
  ),
  'quota-exceeded': entry(
    429,
    'caller',
    true,
    'Quota exceeded',
    'You have made all the calls this policy allows. Try again when Retry-After says.',
  ),
  'abnormal-usage': entry(
    429,
    'caller',
    true,
    'Too many refused calls',
    'You went on calling after many refusals. Wait until Retry-After says, then call less often.',
  ),
  'too-many-attempts': entry(
    429,
    'caller',
    true,
    'Too many failed attempts',
    'Several attempts have failed. Wait until Retry-After says, then try again.',
  ),
  'headers-too-large': entry(
    431,
    'caller',
    false,
    'Headers too large',
    'The headers are larger than 16 KB or more than 200. Send fewer cookies or headers.',
  ),
  'internal-error': entry(
    500,
    'gateway',
    true,
    'Gateway error',
    'The gateway failed on this request. The operator finds it under this request id.',
  ),
  'upstream-unreachable': entry(
    502,
    'upstream',
    true,
    'Service unreachable',
    'The service did not accept the connection. Try again shortly.',
  ),
  'upstream-broken': entry(
    502,
    'upstream',
    true,
    'Bad answer from the service',
    'The service answered with something that is not valid HTTP. Try again shortly.',
  ),
  'store-unavailable': entry(
    503,
    'store',
    true,
    'Temporarily unavailable',
    'A part of the gateway is away for a moment. Try again shortly.',
  ),
  'upstream-unavailable': entry(
    503,
    'upstream',
    true,
    'Service unavailable',
    'No server of the service can answer right now. Try again when Retry-After says.',
  ),
  overloaded: entry(
    503,
    'gateway',
    true,
    'Temporarily overloaded',
    'Too much is going on right now. Try again shortly.',
  ),
  'not-stored': entry(
    504,
    'caller',
    false,
    'Not stored',
    'The answer is not stored here, and only a stored one was asked for. Ask without only-if-cached.',
  ),
  'upstream-timeout': entry(
    504,
    'upstream',
    true,
    'Service too slow',
    'The service did not answer in time. Try again shortly.',
  ),
} as const satisfies Record<string, ErrorEntry>

function entry(status: number, side: Side, mayRetry: boolean, title: string, sentence: string): ErrorEntry {
  return { status, side, mayRetry, title, sentence }
}

export type ErrorCode = keyof typeof errorTable

export interface ErrorDetails {
  /** Replaces the table's sentence; public. */
  readonly sentence?: string
  /** Whole seconds until the same call may pass. */
  readonly retryAfterSeconds?: number
  /** More members of the problem+json body; public. */
  readonly members?: Readonly<Record<string, unknown>>
  /** What happened, for the log only. */
  readonly cause?: unknown
}

/** What is answered to a request that goes no further. */
export interface Refusal {
  readonly code: ErrorCode
  readonly details: ErrorDetails
}

/** Thrown anywhere on the road of a request; `error-reply.ts` turns it into the answer. */
export class GatewayError extends Error implements Refusal {
  readonly code: ErrorCode
  readonly details: ErrorDetails

  constructor(code: ErrorCode, details: ErrorDetails = {}) {
    const { stackTraceLimit } = Error
    // An answer to a caller needs no stack; taking one costs some 2.5 µs of each refusal.
    if (errorTable[code].status < 500) Error.stackTraceLimit = 0
    super(details.sentence ?? errorTable[code].sentence, { cause: details.cause })
    Error.stackTraceLimit = stackTraceLimit
    this.name = 'GatewayError'
    this.code = code
    this.details = details
  }

  get status(): number {
    return errorTable[this.code].status
  }
}
