import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { articleFields, articleIdOf } from '../article-fields.ts'
import type { Articles } from '../articles.ts'
import { Refusal } from '../refusal.ts'
import { userOf, usersOnly, visitorOf } from '../visitor.ts'
import {
  ArticleJson,
  ArticlesJson,
  articleJson,
  articlesJson,
  sliceOfQuery,
  sliceQuery,
} from './article-json.ts'

const { description, ...required } = articleFields
const NewArticleJson = Type.Object(
  { ...required, description: Type.Optional(description) },
  { additionalProperties: false },
)

export interface VenteOptions {
  articles: Articles
  now: () => Date
}

/** `/api/vente`: what the caller sells. An anonymous caller sells nothing, and may not. */
export const venteApi: FastifyPluginAsyncTypebox<VenteOptions> = async (app, { articles, now }) => {
  app.get(
    '/api/vente',
    { schema: { querystring: Type.Object(sliceQuery), response: { 200: ArticlesJson } } },
    async (request) => {
      const visitor = visitorOf(request.headers)
      const slice = sliceOfQuery(request.query)
      if (visitor.kind === 'anonymous') return { articles: [], nextOffset: null }
      return articlesJson(await articles.ofSeller(visitor.id, slice), slice)
    },
  )

  app.post(
    '/api/vente',
    { schema: { body: NewArticleJson, response: { 201: ArticleJson } }, onRequest: usersOnly },
    async (request, reply) => {
      const user = userOf(request.headers)
      const article = await articles.offer({
        ...request.body,
        description: request.body.description ?? '',
        sellerId: user.id,
        sellerName: user.name,
        listedAt: now(),
      })
      reply.code(201).header('location', `/api/achat/${article.id}`)
      return articleJson(article)
    },
  )

  app.delete<{ Params: { id: string } }>('/api/vente/:id', async (request, reply) => {
    const user = userOf(request.headers)
    const { kind } = await articles.withdraw(articleIdOf(request.params.id), user.id)
    if (kind !== 'withdrawn') throw new Refusal(kind)
    return reply.code(204).send()
  })
}
