import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import {
  type ArticleRow,
  articleOf,
  insertValues,
  onSaleSql,
  refusedBuy,
  refusedWithdrawal,
  sliceOf,
  sql,
} from './articles.sql.ts'
import { type Articles, ArticlesUnavailable, type NewArticle, type Slice } from './articles.ts'

// AUTOINCREMENT: the id of a withdrawn article must not come back on another one.
const schema = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS articles (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    category TEXT NOT NULL,
    price_cents INTEGER NOT NULL,
    description TEXT NOT NULL,
    seller_id TEXT NOT NULL,
    seller_name TEXT NOT NULL,
    listed_at INTEGER NOT NULL,
    buyer_id TEXT,
    sold_at INTEGER,
    search_text TEXT NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS articles_on_sale ON articles (sold_at, id);
  CREATE INDEX IF NOT EXISTS articles_on_sale_by_category ON articles (category, sold_at, id);
  CREATE INDEX IF NOT EXISTS articles_of_seller ON articles (seller_id, id);
  CREATE INDEX IF NOT EXISTS articles_of_buyer ON articles (buyer_id, sold_at, id);`

/**
 * Opens `file` (`:memory:` too), creating folder and table when they are missing.
 *
 * @throws Error of the file system or of SQLite when the file cannot be opened or is no database.
 */
export function openSqliteArticles(file: string): Articles {
  if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true })
  const database = new DatabaseSync(file, { timeout: 2_000 })
  try {
    database.exec(schema)
  } catch (error) {
    database.close()
    throw error
  }

  const prepared = new Map<string, StatementSync>()
  const prepare = (text: string): StatementSync => {
    const known = prepared.get(text)
    if (known !== undefined) return known
    const statement = database.prepare(text)
    prepared.set(text, statement)
    return statement
  }
  const run = (text: string, ...values: SQLInputValue[]) => prepare(text).run(...values)
  const rows = (text: string, ...values: SQLInputValue[]) =>
    prepare(text).all(...values) as unknown as ArticleRow[]
  const slice = (text: string, values: SQLInputValue[], { limit, offset }: Slice) =>
    sliceOf(rows(`${text} LIMIT ? OFFSET ?`, ...values, limit + 1, offset), limit)
  const find = (id: number) => rows(sql.find, id).map(articleOf)[0]
  const insert = (article: NewArticle) => Number(run(sql.insert, ...insertValues(article)).lastInsertRowid)

  return {
    offer: (article) => ask(() => ({ ...article, id: insert(article) })),
    find: (id) => ask(() => find(id)),
    onSale: (query) =>
      ask(() => {
        const { statement, values } = onSaleSql(query)
        return slice(statement, values, query)
      }),
    ofSeller: (sellerId, range) => ask(() => slice(sql.ofSeller, [sellerId], range)),
    ofBuyer: (buyerId, range) => ask(() => slice(sql.ofBuyer, [buyerId], range)),
    buy: (id, buyerId, soldAt) =>
      ask(() => {
        const { changes } = run(sql.buy, buyerId, soldAt.getTime(), id, buyerId)
        const article = find(id)
        if (changes === 1 && article !== undefined) return { kind: 'bought', article }
        return { kind: refusedBuy(article, buyerId) }
      }),
    withdraw: (id, sellerId) =>
      ask(() => {
        if (run(sql.withdraw, id, sellerId).changes === 1) return { kind: 'withdrawn' }
        return { kind: refusedWithdrawal(find(id), sellerId) }
      }),
    insertIfEmpty: (articles) =>
      ask(() => {
        database.exec('BEGIN IMMEDIATE')
        try {
          const kept = prepare(sql.any).get() !== undefined
          if (!kept) articles.forEach(insert)
          database.exec('COMMIT')
          return kept ? 'kept' : 'inserted'
        } catch (error) {
          database.exec('ROLLBACK')
          throw error
        }
      }),
    close: async () => database.close(),
  }
}

/** Busy for longer than the timeout, a full disk, a file taken away: the shelf is away, the request is not wrong. */
async function ask<T>(question: () => T): Promise<T> {
  try {
    return question()
  } catch (error) {
    throw new ArticlesUnavailable('SQLite did not answer', { cause: error })
  }
}
