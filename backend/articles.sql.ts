import { type Article, type Category, type NewArticle, type OnSaleQuery, searchable } from './articles.ts'

/** One row of `articles`, in SQLite and MySQL alike; times are milliseconds since 1970. */
export interface ArticleRow {
  id: number
  title: string
  category: string
  price_cents: number
  description: string
  seller_id: string
  seller_name: string
  listed_at: number
  buyer_id: string | null
  sold_at: number | null
}

const columns =
  'id, title, category, price_cents, description, seller_id, seller_name, listed_at, buyer_id, sold_at'

// Whether an article may be sold or withdrawn is decided by the statement that does it: no gap for a second caller.
export const sql = {
  insert: `INSERT INTO articles
    (title, category, price_cents, description, seller_id, seller_name, listed_at, search_text)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  find: `SELECT ${columns} FROM articles WHERE id = ?`,
  any: 'SELECT id FROM articles LIMIT 1',
  ofSeller: `SELECT ${columns} FROM articles WHERE seller_id = ? ORDER BY id DESC`,
  ofBuyer: `SELECT ${columns} FROM articles WHERE buyer_id = ? ORDER BY sold_at DESC, id DESC`,
  buy: 'UPDATE articles SET buyer_id = ?, sold_at = ? WHERE id = ? AND sold_at IS NULL AND seller_id <> ?',
  withdraw: 'DELETE FROM articles WHERE id = ? AND sold_at IS NULL AND seller_id = ?',
}

export function onSaleSql(query: OnSaleQuery): { statement: string; values: string[] } {
  const conditions = ['sold_at IS NULL']
  const values: string[] = []
  if (query.category !== undefined) {
    conditions.push('category = ?')
    values.push(query.category)
  }
  if (query.text !== undefined && query.text !== '') {
    conditions.push("search_text LIKE ? ESCAPE '!'")
    values.push(`%${searchable(query.text).replace(/[!%_]/g, '!$&')}%`)
  }
  return {
    statement: `SELECT ${columns} FROM articles WHERE ${conditions.join(' AND ')} ORDER BY id DESC`,
    values,
  }
}

export function insertValues(article: NewArticle): (string | number)[] {
  return [
    article.title,
    article.category,
    article.priceCents,
    article.description,
    article.sellerId,
    article.sellerName,
    article.listedAt.getTime(),
    searchable(`${article.title}\n${article.description}`),
  ]
}

export function articleOf(row: ArticleRow): Article {
  const article: Article = {
    id: row.id,
    title: row.title,
    category: row.category as Category,
    priceCents: row.price_cents,
    description: row.description,
    sellerId: row.seller_id,
    sellerName: row.seller_name,
    listedAt: new Date(row.listed_at),
  }
  if (row.buyer_id !== null && row.sold_at !== null) {
    article.sale = { buyerId: row.buyer_id, soldAt: new Date(row.sold_at) }
  }
  return article
}

/** Of rows asked for with one more than the limit. */
export function sliceOf(rows: ArticleRow[], limit: number): { articles: Article[]; hasMore: boolean } {
  return { articles: rows.slice(0, limit).map(articleOf), hasMore: rows.length > limit }
}

/** Why nothing was bought. Read after the fact: an article withdrawn or sold meanwhile is told as it is now. */
export function refusedBuy(
  article: Article | undefined,
  buyerId: string,
): 'not-found' | 'own-article' | 'already-sold' {
  if (article === undefined) return 'not-found'
  return article.sellerId === buyerId ? 'own-article' : 'already-sold'
}

/** Why nothing was withdrawn. */
export function refusedWithdrawal(
  article: Article | undefined,
  sellerId: string,
): 'not-found' | 'not-yours' | 'already-sold' {
  if (article === undefined) return 'not-found'
  return article.sellerId === sellerId ? 'already-sold' : 'not-yours'
}
