import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'

const script = 'text/javascript; charset=utf-8'
const files = [
  { path: '/', file: 'index.html', type: 'text/html; charset=utf-8' },
  { path: '/dashboard.css', file: 'dashboard.css', type: 'text/css; charset=utf-8' },
  { path: '/icon.svg', file: 'icon.svg', type: 'image/svg+xml' },
  ...['dashboard.js', 'board.js', 'samples.js', 'words.js'].map((file) => ({
    path: `/${file}`,
    file,
    type: script,
  })),
]

// The names that people chose for themselves are shown here: nothing but our own files may run.
const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** The live page. It holds no data: what it shows it asks for with the token that was typed in. */
export function dashboardRoutes(app: FastifyInstance): void {
  for (const { path, file, type } of files) {
    const content = readFileSync(new URL(`./dashboard/${file}`, import.meta.url))
    app.get(path, (_request, reply) =>
      reply
        .type(type)
        .headers({
          'content-security-policy': contentSecurityPolicy,
          'x-content-type-options': 'nosniff',
          'referrer-policy': 'no-referrer',
          'cache-control': 'no-cache',
        })
        .send(content),
    )
  }
}
