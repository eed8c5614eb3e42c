import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { articleIdOf } from '../article-fields.ts'
import { type Articles, categories } from '../articles.ts'
import { Refusal } from '../refusal.ts'
import { userOf, usersOnly, visitorOf } from '../visitor.ts'
import type { Pages } from './render-page.ts'
import { emptySellForm, readSellForm, type SellForm, type SellMistake } from './sell-form.ts'

// Every field is text here; `readSellForm` tells people what is wrong with it.
const SellBody = Type.Object({
  title: Type.String(),
  category: Type.String(),
  price: Type.String(),
  description: Type.Optional(Type.String()),
})

const DoneQuery = Type.Object({ done: Type.Optional(Type.Unknown()) })

/** A page shows so many of one's own; the API hands out the rest. */
const shown = { limit: 100, offset: 0 }

export interface VentePageOptions {
  articles: Articles
  pages: Pages
  now: () => Date
}

/** `/services/vente`: sell, see what one sells, withdraw. */
export const ventePages: FastifyPluginAsyncTypebox<VentePageOptions> = async (app, options) => {
  const { articles, pages, now } = options

  const show = async (
    request: FastifyRequest,
    reply: FastifyReply,
    data: { form: SellForm; mistakes: SellMistake[]; notice: string | undefined },
  ) => {
    const visitor = visitorOf(request.headers)
    const mine = visitor.kind === 'known' ? (await articles.ofSeller(visitor.id, shown)).articles : []
    return pages.show(request, reply, 'vente', { ...data, mine, categories })
  }

  app.get('/services/vente', { schema: { querystring: DoneQuery } }, async (request, reply) => {
    const { done } = request.query
    const notice = done === 'listed' || done === 'withdrawn' ? done : undefined
    return show(request, reply, { form: emptySellForm, mistakes: [], notice })
  })

  app.post(
    '/services/vente',
    { schema: { body: SellBody }, onRequest: usersOnly },
    async (request, reply) => {
      const { title, category, price, description = '' } = request.body
      const read = readSellForm({ title, category, price, description })
      if (read.kind === 'mistaken') return show(request, reply.code(400), { ...read, notice: undefined })
      const { id, name } = userOf(request.headers)
      await articles.offer({ ...read.fields, sellerId: id, sellerName: name, listedAt: now() })
      return reply.redirect('/services/vente?done=listed', 303)
    },
  )

  app.post<{ Params: { id: string } }>('/services/vente/:id/retrait', async (request, reply) => {
    const user = userOf(request.headers)
    const { kind } = await articles.withdraw(articleIdOf(request.params.id), user.id)
    if (kind !== 'withdrawn') throw new Refusal(kind)
    return reply.redirect('/services/vente?done=withdrawn', 303)
  })
}
