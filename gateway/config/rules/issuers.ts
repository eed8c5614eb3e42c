import type { ConfigDraft } from '../draft.ts'
import type { Finding } from '../problem.ts'

type IssuerDraft = NonNullable<NonNullable<NonNullable<ConfigDraft['identity']>['issuers']>[string]>
type Problem = Omit<Finding, 'path'> & { readonly key?: string }

const leastSecret = 32

/** What a type cannot say of other issuers. Key confusion (J1) is refused here: no key is ever used both ways. */
export function checkIssuers({ identity, listen }: ConfigDraft): Finding[] {
  const ours = identity?.issuer || listen?.publicUrl
  const firstWith = new Map<string, string>()
  return Object.entries(identity?.issuers ?? {}).flatMap(([name, entry]) => {
    if (entry === undefined) return []
    const problems = [...keyProblems(entry), ...algorithmProblems(entry), ...urlProblems(entry)]
    const { issuer } = entry
    if (issuer !== undefined) {
      problems.push(...issuerProblems(issuer, ours, firstWith.get(issuer)))
      firstWith.set(issuer, firstWith.get(issuer) ?? name)
    }
    return problems.map(({ key, ...problem }) => ({
      path: ['identity', 'issuers', name, ...(key === undefined ? [] : [key])],
      ...problem,
    }))
  })
}

const sources = ['jwksUrl', 'publicKey', 'secret'] as const

function keyProblems(issuer: IssuerDraft): Problem[] {
  const given = sources.filter((source) => Object.hasOwn(issuer, source))
  if (given.length === 0) {
    return [{ message: 'has no key', cure: 'add one of jwksUrl, publicKey and secret' }]
  }
  const [, second] = given
  if (second !== undefined) {
    return [
      {
        key: second,
        message: `stands beside ${given[0]}`,
        cure: 'keep the one that its tokens are checked with',
      },
    ]
  }
  if (issuer.secret !== undefined && issuer.secret.length < leastSecret) {
    return [
      {
        key: 'secret',
        message: `has fewer than ${leastSecret} characters, so that it can be guessed from a token`,
        cure: 'share a longer one: openssl rand -base64 32',
      },
    ]
  }
  return []
}

function algorithmProblems(issuer: IssuerDraft): Problem[] {
  const { algorithms } = issuer
  if (algorithms === undefined) return []
  if (algorithms.length === 0) {
    return [
      { key: 'algorithms', message: 'no algorithm', cure: 'name the one it signs with, such as [RS256]' },
    ]
  }
  const hasSecret = Object.hasOwn(issuer, 'secret')
  const unfit = algorithms.filter(
    (algorithm) => algorithm !== undefined && algorithm.startsWith('HS') !== hasSecret,
  )
  if (unfit.length === 0) return []
  const cure = hasSecret
    ? 'write HS256, HS384 or HS512'
    : 'leave HS… out: a public key must never serve as a secret'
  return [
    {
      key: 'algorithms',
      value: JSON.stringify(unfit.length === 1 ? unfit[0] : unfit),
      message: hasSecret ? 'does not go with a secret' : 'goes with a secret alone',
      cure,
    },
  ]
}

function urlProblems({ jwksUrl }: IssuerDraft): Problem[] {
  if (jwksUrl === undefined) return []
  const problem = { key: 'jwksUrl' }
  if (!URL.canParse(jwksUrl)) {
    return [{ ...problem, message: 'is no URL', cure: 'write https://HOST/PATH' }]
  }
  const { protocol, hostname } = new URL(jwksUrl)
  const isHere = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
  if (protocol === 'https:' || isHere) return []
  return [
    {
      ...problem,
      message: 'is fetched without encryption, so that anyone on the way can put keys into it',
      cure: 'write it with https',
    },
  ]
}

function issuerProblems(issuer: string, ours: string | undefined, first: string | undefined): Problem[] {
  const problem = { key: 'issuer', value: JSON.stringify(issuer) }
  if (first !== undefined) {
    return [{ ...problem, message: `the issuer of ${first} too`, cure: 'merge the two, or change one' }]
  }
  if (issuer !== ours) return []
  return [{ ...problem, message: 'is our own', cure: 'remove it: our tokens are believed as they are' }]
}
