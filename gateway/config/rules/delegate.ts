import type { ConfigDraft } from '../draft.ts'
import type { Finding, Path } from '../problem.ts'
import { checkReserved, checkShape } from './routes.ts'

/** A delegated login and its logouts lead to an app, and nobody needs a session to log in. */
export function checkDelegate({ identity, routes }: ConfigDraft): Finding[] {
  const { delegate } = identity ?? {}
  if (delegate === undefined) return []
  const { path, logout = [] } = delegate
  const place: Path = ['identity', 'delegate']
  return [
    ...(path === undefined ? [] : checkPath(path, [...place, 'path'], routes, true)),
    ...logout.flatMap((other, index) =>
      other === undefined ? [] : checkPath(other, [...place, 'logout', index], routes, false),
    ),
  ]
}

function checkPath(path: string, place: Path, routes: ConfigDraft['routes'], isLogin: boolean): Finding[] {
  const at = { path: place, value: JSON.stringify(path) }
  const flaw = checkShape(path) ?? checkReserved(path)
  if (flaw) return [{ ...at, ...flaw }]
  if (routes === undefined) return []
  const covering = routes
    .filter((route) => route?.path !== undefined && covers(route.path, path))
    .toSorted((one, other) => (other?.path?.length ?? 0) - (one?.path?.length ?? 0))[0]
  if (covering === undefined)
    return [
      { ...at, message: 'no route covers it', cure: `add one, such as { path: ${path}, upstream: NAME }` },
    ]
  if (!isLogin || covering.access !== 'connected') return []
  const cure = `add { path: ${path}, upstream: ${covering.upstream ?? 'NAME'}, access: public }`
  return [{ ...at, message: `its route ${covering.path} wants a session, which only this login gives`, cure }]
}

/** As routes are matched: whole segments, without regard to case. */
function covers(route: string, path: string): boolean {
  const prefix = route.toLowerCase().replace(/\/$/, '')
  return `${path.toLowerCase()}/`.startsWith(`${prefix}/`)
}
