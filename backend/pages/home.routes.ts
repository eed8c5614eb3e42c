import type { FastifyPluginAsync } from 'fastify'
import type { Pages } from './render-page.ts'

/** The pages that ask the articles nothing, and the stylesheet. */
export const homePages: FastifyPluginAsync<{ pages: Pages }> = async (app, { pages }) => {
  app.get('/', (request, reply) => pages.show(request, reply, 'home'))
  app.get('/services', (request, reply) => pages.show(request, reply, 'services'))
  app.get('/assets/site.css', (_request, reply) =>
    reply
      .type('text/css; charset=utf-8')
      .header('cache-control', 'public, max-age=86400')
      .send(pages.stylesheet),
  )
}
