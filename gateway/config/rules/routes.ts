import type { ConfigDraft } from '../draft.ts'
import type { Finding } from '../problem.ts'
import { unknownName } from './policies.ts'

/** What the gateway answers itself, with everything below. */
const reservedPaths = ['/auth', '/quota', '/decide', '/.well-known']

export function checkRoutes(draft: ConfigDraft): Finding[] {
  const { routes = [], upstreams } = draft
  if (draft.routes?.length === 0) {
    return [{ path: ['routes'], message: 'no route', cure: 'add one, such as { path: /, upstream: NAME }' }]
  }
  const firstWith = new Map<string, number>()
  return routes.flatMap((route, index): Finding[] => {
    const findings: Finding[] = []
    const { path, upstream } = route ?? {}
    if (path !== undefined) findings.push(...checkPath(path, index, firstWith))
    if (upstream !== undefined && upstreams && !Object.hasOwn(upstreams, upstream)) {
      const place = { path: ['routes', index, 'upstream'], value: JSON.stringify(upstream) }
      findings.push({ ...place, ...unknownName('upstream', upstream, Object.keys(upstreams)) })
    }
    return findings
  })
}

function checkPath(path: string, index: number, firstWith: Map<string, number>): Finding[] {
  const place = { path: ['routes', index, 'path'], value: JSON.stringify(path) }
  const shape = checkShape(path)
  if (shape) return [{ ...place, ...shape }]
  // Paths are matched without regard to case.
  const key = path.toLowerCase()
  const reserved = checkReserved(path)
  if (reserved) return [{ ...place, ...reserved }]
  const first = firstWith.get(key)
  if (first !== undefined) {
    return [
      {
        ...place,
        message: `the path of routes[${first}] too`,
        cure: 'merge the two routes, or change one path',
      },
    ]
  }
  firstWith.set(key, index)
  return []
}

export function checkReserved(path: string): { message: string; cure: string } | undefined {
  const key = path.toLowerCase()
  const reserved = reservedPaths.find((own) => key === own || key.startsWith(`${own}/`))
  return reserved === undefined
    ? undefined
    : { message: `${reserved} is answered by the gateway itself`, cure: 'choose another path' }
}

/** What is wrong with how a path is written. */
export function checkShape(path: string): { message: string; cure: string } | undefined {
  if (!path.startsWith('/')) return { message: 'does not start with /', cure: `write ${tidy(path)}` }
  const odd = /[;?#%\\\s]|\p{Cc}/u.exec(path)?.[0]
  if (odd)
    return {
      message: `contains ${JSON.stringify(odd)}`,
      cure: 'write the decoded path alone, without ; ? # % \\ or spaces',
    }
  if (path.includes('//')) return { message: 'has an empty segment', cure: `write ${tidy(path)}` }
  if (/\/\.\.?(\/|$)/.test(path))
    return { message: 'has a "." or ".." segment', cure: 'write the path they lead to' }
  if (path !== '/' && path.endsWith('/')) return { message: 'ends with /', cure: `write ${tidy(path)}` }
  return undefined
}

const tidy = (path: string) => `/${path.split('/').filter(Boolean).join('/')}`
