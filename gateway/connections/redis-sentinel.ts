/** A primary that sentinels know by name. */
export interface WatchedPrimary {
  readonly sentinels: readonly { readonly host: string; readonly port: number }[]
  readonly name: string
  /** `redis://` with the credentials and the number of the database; its host means nothing. */
  readonly url: string
}

/**
 * Reads `redis-sentinel://USER:PASSWORD@HOST:PORT,HOST:PORT/MASTER/DB`; null when it is the URL of a server.
 *
 * @throws Error when the configuration let something else through
 */
export function readSentinelUrl(url: string): WatchedPrimary | null {
  if (!url.startsWith('redis-sentinel:')) return null
  const [, credentials = '', hosts = '', name = '', database = ''] =
    /^redis-sentinel:\/\/([^@/]*@)?([^/@]+)\/([\w.-]+)(?:\/(\d*))?$/.exec(url) ?? []
  const sentinels = hosts.split(',').map((host) => {
    if (!URL.canParse(`redis://${host}`)) throw new Error(`not the address of a sentinel: ${host}`)
    const { hostname, port } = new URL(`redis://${host}`)
    return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 26_379) }
  })
  return { sentinels, name, url: `redis://${credentials}sentinel/${database || 0}` }
}
