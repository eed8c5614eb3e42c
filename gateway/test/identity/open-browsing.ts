import type { BrowserContextOptions, Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'
import { launchBrowser } from '../browser.ts'
import { startEchoApp } from '../echo-app.ts'
import { freePort } from '../servers/free-port.ts'
import { startMailServer } from '../servers/mail-server.ts'
import { openTestGateway } from '../test-gateway.ts'

export type Browsing = Awaited<ReturnType<typeof openBrowsing>>

const appPage = '<!doctype html><title>app</title><h1>the app</h1><p><a href="/api/vente">call</a></p>'

/**
 * A browser, and a gateway that sends mails in front of an app that shows one page everywhere. Home is for everyone, `/services`
 * for who is logged in, and `/api/vente` counts: 10 calls in 10 minutes.
 */
export async function openBrowsing() {
  await using opening = new AsyncDisposableStack()
  const app = opening.use(
    await startEchoApp((_request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end(appPage)
    }),
  )
  const mails = opening.use(await startMailServer())
  const port = await freePort()
  const gateway = opening.use(
    await openTestGateway({
      upstream: app.url,
      config: {
        // Mails link to it, so it must be known beforehand.
        listen: { host: '127.0.0.1', port, publicUrl: `http://127.0.0.1:${port}` },
        routes: [
          { path: '/', upstream: 'app', access: 'public' },
          { path: '/services', upstream: 'app', access: 'connected' },
          { path: '/api/vente', upstream: 'app', access: 'connected', policies: ['calls'] },
        ],
        mail: { smtp: mails.url },
      },
    }),
  )
  const browser = await launchBrowser()
  opening.defer(() => browser.close())
  const opened = opening.move()

  return {
    gateway,
    mails,
    /** A page of a new visitor. The test that opens it fails when something on it breaks or is blocked. */
    async openPage(options: BrowserContextOptions = {}): Promise<Page> {
      const context = await browser.newContext(options)
      onTestFinished(() => context.close())
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('pageerror', (error) => complaints.push(String(error)))
      page.on('console', (message) => {
        if (message.text().includes('Content Security Policy')) complaints.push(message.text())
      })
      onTestFinished(() => expect(complaints).toEqual([]))
      return page
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
