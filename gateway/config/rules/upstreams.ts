import type { ConfigDraft } from '../draft.ts'
import { maskUrl } from '../mask.ts'
import type { Finding, Path } from '../problem.ts'
import { checkOrigin } from './origin.ts'

type UpstreamDraft = NonNullable<NonNullable<ConfigDraft['upstreams']>[string]>

export function checkUpstreams({ upstreams }: ConfigDraft): Finding[] {
  return Object.entries(upstreams ?? {}).flatMap(([name, upstream]): Finding[] => {
    if (upstream === undefined) return []
    const path = ['upstreams', name]
    return [
      ...checkPlaces(upstream, path),
      ...checkTargets(upstream, path),
      ...checkCa(upstream, path),
      ...checkHashBy(upstream, path),
      ...checkProbe(upstream, path),
    ]
  })
}

function checkPlaces(upstream: UpstreamDraft, path: Path): Finding[] {
  const { url, targets } = upstream
  if (url !== undefined && targets !== undefined) {
    const cure = 'write url for one server, or targets for several'
    return [{ path: [...path, 'targets'], message: 'beside url', cure }]
  }
  if (targets?.length === 0) {
    return [
      {
        path: [...path, 'targets'],
        message: 'no target',
        cure: 'add one, such as { url: http://HOST:PORT }',
      },
    ]
  }
  // A key whose value was refused is there, and has been complained about.
  if ('url' in upstream || 'targets' in upstream)
    return url === undefined ? [] : checkOrigin(url, [...path, 'url'])
  return [{ path, message: 'neither url nor targets', cure: 'add url: http://HOST:PORT' }]
}

function checkTargets({ targets }: UpstreamDraft, path: Path): Finding[] {
  const firstAt = new Map<string, number>()
  return (targets ?? []).flatMap((target, index): Finding[] => {
    const { url } = target ?? {}
    if (url === undefined) return []
    const place = [...path, 'targets', index, 'url']
    const findings = checkOrigin(url, place)
    if (findings.length > 0) return findings
    const { host } = new URL(url)
    const first = firstAt.get(host)
    if (first === undefined) {
      firstAt.set(host, index)
      return []
    }
    const cure = 'remove one of the two, and give the other more weight'
    return [
      {
        path: place,
        value: JSON.stringify(maskUrl(url)),
        message: `the host and port of targets[${first}] too`,
        cure,
      },
    ]
  })
}

function checkCa({ url, targets, ca }: UpstreamDraft, path: Path): Finding[] {
  const urls = [url, ...(targets ?? []).map((target) => target?.url)].filter((one) => one !== undefined)
  if (!ca || urls.length === 0 || urls.some((one) => /^https:/i.test(one))) return []
  const cure = 'remove it, or write the url with https'
  return [{ path: [...path, 'ca'], value: JSON.stringify(ca), message: 'only for https', cure }]
}

function checkHashBy({ hashBy, balance }: UpstreamDraft, path: Path): Finding[] {
  if (hashBy === undefined || balance === undefined || balance === 'consistent') return []
  const cure = 'remove it, or add balance: consistent'
  return [{ path: [...path, 'hashBy'], value: JSON.stringify(hashBy), message: 'only for consistent', cure }]
}

function checkProbe({ probe }: UpstreamDraft, path: Path): Finding[] {
  const [least = 0, most = least] = probe?.status?.split('-').map(Number) ?? []
  if (least <= most) return []
  const place = [...path, 'probe', 'status']
  return [
    {
      path: place,
      value: JSON.stringify(probe?.status),
      message: 'its end is before its beginning',
      cure: `write ${most}-${least}`,
    },
  ]
}
