/** Why a request is not served. Page words are in `pages/words.ts`; `api` is the English sentence of the JSON API. */
export const refusals = {
  'invalid-request': { status: 400, api: 'The request is not as the API expects it.' },
  'login-required': {
    status: 401,
    api: 'Only a logged-in user may do this. Log in, then call again with the session.',
  },
  unproven: {
    status: 401,
    api: 'X-Forwarded-User came without a valid X-Guichet-Assertion. Call through the gateway.',
  },
  'cross-site': {
    status: 403,
    api: 'This write came from another site. Send it from a page of EtuServices.',
  },
  'not-yours': { status: 403, api: 'This article is another seller’s. Withdraw only your own.' },
  'not-found': { status: 404, api: 'There is nothing here. Take an address from GET /api/achat.' },
  'already-sold': { status: 409, api: 'This article is already sold. Choose another from GET /api/achat.' },
  'own-article': {
    status: 409,
    api: 'This article is your own. Withdraw it with DELETE /api/vente/:id instead of buying it.',
  },
  'too-large': { status: 413, api: 'The body is too large. Send at most 64 KiB.' },
  'unsupported-media': { status: 415, api: 'The body is of an unknown type. Send application/json.' },
  'internal-error': { status: 500, api: 'Something went wrong on our side. Try again later.' },
  'proof-unavailable': {
    status: 503,
    api: 'The keys that prove who calls cannot be fetched at the moment. Try again in a few seconds.',
  },
  unavailable: {
    status: 503,
    api: 'The articles cannot be reached at the moment. Try again in a few seconds.',
  },
} as const

export type RefusalCode = keyof typeof refusals

export class Refusal extends Error {
  override name = 'Refusal'
  readonly code: RefusalCode
  /** What exactly is wrong, in English, for API callers. */
  readonly detail: string

  constructor(code: RefusalCode, detail: string = refusals[code].api) {
    super(detail)
    this.code = code
    this.detail = detail
  }
}
