import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import Type from 'typebox'
import { articleIdOf, searchText } from '../article-fields.ts'
import { type Articles, categories } from '../articles.ts'
import { Refusal } from '../refusal.ts'
import { userOf } from '../visitor.ts'
import {
  ArticleJson,
  ArticlesJson,
  articleJson,
  articlesJson,
  sliceOfQuery,
  sliceQuery,
} from './article-json.ts'

const AchatQuery = Type.Object({
  q: Type.Optional(searchText),
  category: Type.Optional(Type.Enum(categories)),
  ...sliceQuery,
})

export interface AchatOptions {
  articles: Articles
  now: () => Date
}

/** `/api/achat`: what is on sale, the same for every caller, and buying it. */
export const achatApi: FastifyPluginAsyncTypebox<AchatOptions> = async (app, { articles, now }) => {
  app.get(
    '/api/achat',
    { schema: { querystring: AchatQuery, response: { 200: ArticlesJson } } },
    async ({ query }) => {
      const slice = sliceOfQuery(query)
      const found = await articles.onSale({
        ...slice,
        ...(query.q === undefined ? {} : { text: query.q }),
        ...(query.category === undefined ? {} : { category: query.category }),
      })
      return articlesJson(found, slice)
    },
  )

  app.get<{ Params: { id: string } }>(
    '/api/achat/:id',
    { schema: { response: { 200: ArticleJson } } },
    async ({ params }) => {
      const article = await articles.find(articleIdOf(params.id))
      if (article === undefined) throw new Refusal('not-found')
      return articleJson(article)
    },
  )

  app.post<{ Params: { id: string } }>(
    '/api/achat/:id',
    { schema: { response: { 200: ArticleJson } } },
    async ({ params, headers }) => {
      const { id } = userOf(headers)
      const outcome = await articles.buy(articleIdOf(params.id), id, now())
      if (outcome.kind !== 'bought') throw new Refusal(outcome.kind)
      return articleJson(outcome.article)
    },
  )
}
