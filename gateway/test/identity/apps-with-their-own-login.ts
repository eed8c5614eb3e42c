import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import express from 'express'

export interface LoginApp extends AsyncDisposable {
  readonly url: string
  /** Headers of each login it received. */
  readonly logins: Readonly<Record<string, unknown>>[]
}

/** The row as such apps keep it, and send it whole. */
const row = {
  id: 7,
  nom: 'Lovelace',
  prenom: 'Ada',
  email: 'Ada@etu.example',
  password: 'plain text of the app',
  balance: '@@balance@@',
}

/**
 * An Express app as students write them, which knows nothing of the gateway: `/login`, by any method, answers `{msg, user}` with
 * the whole row, `POST /form-login` a redirect, its own cookie and a header.
 */
export async function startLoginApp(): Promise<LoginApp> {
  const app = express()
  const logins: Readonly<Record<string, unknown>>[] = []
  app.use(express.json(), express.urlencoded({ extended: false }))
  const isRight = (body: { email?: string; password?: string }): boolean =>
    body.email?.toLowerCase() === 'ada@etu.example' && body.password === row.password

  app.all('/login', (request, response) => {
    logins.push(request.headers)
    if (request.body.mode === 'packed') response.set('content-encoding', 'gzip')
    if (request.body.mode === 'broken') return void response.status(500).json({ msg: 'oops', user: row })
    if (request.body.mode === 'truncated') return void response.type('json').send('{"user": {"password": "x"')
    if (request.body.mode === 'huge') return void response.json({ user: row, more: 'x'.repeat(2_000_000) })
    if (!isRight(request.body)) return void response.status(401).json({ msg: 'wrong password', typed: row })
    if (request.body.mode === 'nameless') return void response.json({ msg: 'ok', user: { password: 'x' } })
    response.setHeader('etag', '"of the bytes"')
    // More digits than a JavaScript number holds, and written as no serialiser would.
    const text = JSON.stringify({ msg: 'ok', user: row }).replace('"@@balance@@"', '12345678901234567890.10')
    response.cookie('app_session', 's3cr3t', { httpOnly: true }).type('json').send(text)
  })
  app.post('/form-login', (request, response) => {
    if (!isRight(request.body)) return void response.type('html').send('<p>Wrong password</p>')
    response.cookie('app_session', 's3cr3t').setHeader('X-User-Id', 'Ada-7')
    response.redirect(302, '/home')
  })
  app.all('/logout', (request, response) => {
    if (request.query.fails) return void response.status(500).json({ msg: 'not now' })
    response.clearCookie('app_session').json({ msg: 'bye' })
  })
  app.all('/api/{*path}', (request, response) => void response.json(request.headers))

  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    logins,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
