import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { articleIdOf, searchText } from '../article-fields.ts'
import { type Articles, categories } from '../articles.ts'
import { Refusal } from '../refusal.ts'
import { userOf, visitorOf } from '../visitor.ts'
import type { Pages } from './render-page.ts'

const perPage = 12
const shownBought = { limit: 100, offset: 0 }

// An empty category is the form's "all of them".
const AchatQuery = Type.Object({
  q: Type.Optional(searchText),
  category: Type.Optional(Type.Enum(['', ...categories])),
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: 800 })),
  done: Type.Optional(Type.Unknown()),
})

export interface AchatPageOptions {
  articles: Articles
  pages: Pages
  now: () => Date
}

/** `/services/achat`: search what is on sale, buy, see what one bought. */
export const achatPages: FastifyPluginAsyncTypebox<AchatPageOptions> = async (app, options) => {
  const { articles, pages, now } = options

  app.get('/services/achat', { schema: { querystring: AchatQuery } }, async (request, reply) => {
    const { q = '', category = '', page = 1, done } = request.query
    const visitor = visitorOf(request.headers)
    const [found, bought] = await Promise.all([
      articles.onSale({
        text: q.trim(),
        ...(category === '' ? {} : { category }),
        limit: perPage,
        offset: (page - 1) * perPage,
      }),
      visitor.kind === 'known' ? articles.ofBuyer(visitor.id, shownBought) : { articles: [] },
    ])
    const pageUrl = (other: number) =>
      `/services/achat?${new URLSearchParams({ q, category, page: String(other) })}`
    return pages.show(request, reply, 'achat', {
      ...{ q, category, page, found, categories, pageUrl },
      bought: bought.articles,
      notice: done === 'bought' ? done : undefined,
    })
  })

  app.post<{ Params: { id: string } }>('/services/achat/:id', async (request, reply) => {
    const { id } = userOf(request.headers)
    const { kind } = await articles.buy(articleIdOf(request.params.id), id, now())
    if (kind !== 'bought') throw new Refusal(kind)
    return reply.redirect('/services/achat?done=bought', 303)
  })
}
