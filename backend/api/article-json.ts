import Type, { type Static } from 'typebox'
import { articleFields } from '../article-fields.ts'
import type { Article, ArticleSlice, Slice } from '../articles.ts'

/** What the API tells of an article to anyone: who sells by name only, and never who bought. */
export const ArticleJson = Type.Object({
  id: Type.Integer(),
  ...articleFields,
  sellerName: Type.String(),
  status: Type.Enum(['on-sale', 'sold']),
  listedAt: Type.String({ description: 'ISO 8601, UTC' }),
  soldAt: Type.Optional(Type.String({ description: 'ISO 8601, UTC' })),
})

/** `nextOffset` is null on the last slice. */
export const ArticlesJson = Type.Object({
  articles: Type.Array(ArticleJson),
  nextOffset: Type.Union([Type.Integer(), Type.Null()]),
})

// Offsets end where walking through an index begins to hurt; a search narrows better than page 500.
export const sliceQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
  offset: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000, default: 0 })),
}

export function sliceOfQuery(query: { limit?: number; offset?: number }): Slice {
  return { limit: query.limit ?? 20, offset: query.offset ?? 0 }
}

export function articleJson(article: Article): Static<typeof ArticleJson> {
  const { id, title, category, priceCents, description, sellerName, sale } = article
  return {
    ...{ id, title, category, priceCents, description, sellerName },
    status: sale === undefined ? 'on-sale' : 'sold',
    listedAt: article.listedAt.toISOString(),
    ...(sale === undefined ? {} : { soldAt: sale.soldAt.toISOString() }),
  }
}

export function articlesJson(found: ArticleSlice, { offset }: Slice): Static<typeof ArticlesJson> {
  const { articles, hasMore } = found
  return { articles: articles.map(articleJson), nextOffset: hasMore ? offset + articles.length : null }
}
