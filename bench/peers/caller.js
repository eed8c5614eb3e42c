import { createVerifier } from 'fast-jwt'
import { job } from './job.js'

const verify = createVerifier({ key: job.secret, algorithms: ['HS256'], cache: 10_000 })

/** The account of a valid bearer token, from fast-jwt's cache after its first call; null without one. */
export function callerOf({ headers: { authorization } }) {
  if (authorization === undefined || !authorization.startsWith('Bearer ')) return null
  try {
    return verify(authorization.slice(7)).sub
  } catch {
    return null
  }
}
