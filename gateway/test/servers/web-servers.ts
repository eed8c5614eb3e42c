import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type PrivateServer, startPrivateServer } from './private-server.ts'

export interface WebServer extends PrivateServer {
  readonly url: string
}

const answersAtAll = async ({ port }: { port: number }): Promise<boolean> =>
  (await fetch(`http://127.0.0.1:${port}/alive-${port}`)).text().then((text) => text === 'alive')

/**
 * Debian's nginx with one `server` block, which says `listen 80`.
 *
 * @throws Error with the cure when it is not installed, with nginx's own words when it refuses the block.
 */
export async function startNginx(serverBlock: string): Promise<WebServer> {
  return withUrl(
    await startPrivateServer({
      binary: 'nginx',
      cure: 'apt-get install nginx-light',
      args: ({ folder, port }) => {
        const alive = `location = /alive-${port} { return 200 alive; }`
        const block = serverBlock.replace('listen 80;', `listen 127.0.0.1:${port};\n    ${alive}`)
        return ['-p', folder, '-c', writeNow(folder, nginxConfig(folder, block)), '-e', 'stderr']
      },
      answers: answersAtAll,
    }),
  )
}

/**
 * Debian's Caddy with one site, which says `:80 {`.
 *
 * @throws Error with the cure when it is not installed, with Caddy's own words when it refuses the site.
 */
export async function startCaddy(site: string): Promise<WebServer> {
  return withUrl(
    await startPrivateServer({
      // Through env, since Caddy keeps what it was told in the home folder.
      binary: 'env',
      cure: 'apt-get install caddy',
      args: ({ folder, port }) => {
        const block = site.replace(
          ':80 {',
          `http://127.0.0.1:${port} {\n    bind 127.0.0.1\n    handle /alive-${port} {\n        respond alive\n    }`,
        )
        const file = writeNow(folder, `{\n    admin off\n}\n${block}`)
        const places = [`XDG_CONFIG_HOME=${folder}`, `XDG_DATA_HOME=${folder}`]
        return [...places, 'caddy', 'run', '--adapter', 'caddyfile', '--config', file]
      },
      answers: answersAtAll,
    }),
  )
}

function writeNow(folder: string, text: string): string {
  const file = join(folder, 'server.conf')
  writeFileSync(file, text)
  return file
}

/** One process in the foreground, which keeps to its folder. */
const nginxConfig = (folder: string, serverBlock: string): string => `
daemon off;
master_process off;
pid ${folder}/pid;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  ${serverBlock}
}
`

function withUrl(server: PrivateServer): WebServer {
  const url = `http://127.0.0.1:${server.port}`
  return Object.defineProperties({ url } as WebServer, Object.getOwnPropertyDescriptors(server))
}
