import { createPool, type PoolConnection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise'
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

// utf8mb4_bin: ids that differ in case or accents are different people.
const schema = `
  CREATE TABLE IF NOT EXISTS articles (
    id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    title VARCHAR(255) NOT NULL,
    category VARCHAR(32) NOT NULL,
    price_cents INT UNSIGNED NOT NULL,
    description TEXT NOT NULL,
    seller_id VARCHAR(255) NOT NULL,
    seller_name VARCHAR(255) NOT NULL,
    listed_at BIGINT NOT NULL,
    buyer_id VARCHAR(255) NULL,
    sold_at BIGINT NULL,
    search_text MEDIUMTEXT NOT NULL,
    INDEX articles_on_sale (sold_at, id),
    INDEX articles_on_sale_by_category (category, sold_at, id),
    INDEX articles_of_seller (seller_id, id),
    INDEX articles_of_buyer (buyer_id, sold_at, id)
  ) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`

const queryTimeoutMs = 5_000
const lockTimeoutSeconds = 10

/**
 * Connects and creates the table when it is missing.
 *
 * @param url `mysql://user:password@host:port/database`
 * @throws Error of mysql2 when the server cannot be reached or refuses.
 */
export async function openMysqlArticles(url: string): Promise<Articles> {
  const pool = createPool({
    uri: url,
    charset: 'utf8mb4_bin',
    connectTimeout: 3_000,
    connectionLimit: 10,
    queueLimit: 500,
    // LIMIT is part of the text (see `slice`), and the server has 16,382 statements for all its clients.
    maxPreparedStatements: 100,
  })
  // A pool does not connect before it is asked: this is the question that tells whether it can.
  await pool.query(schema).catch(async (error) => {
    await pool.end()
    throw error
  })

  type Value = string | number
  const run = async (text: string, ...values: Value[]) =>
    (await ask(pool.execute<ResultSetHeader>({ sql: text, timeout: queryTimeoutMs }, values)))[0]
  const rows = async (text: string, ...values: Value[]) =>
    (
      await ask(pool.execute<(ArticleRow & RowDataPacket)[]>({ sql: text, timeout: queryTimeoutMs }, values))
    )[0]
  // MySQL refuses a LIMIT bound as DOUBLE, which is how mysql2 binds every number; these two are ours, not a caller's text.
  const slice = async (text: string, values: Value[], { limit, offset }: Slice) =>
    sliceOf(await rows(`${text} LIMIT ${whole(limit) + 1} OFFSET ${whole(offset)}`, ...values), limit)
  const find = async (id: number) => (await rows(sql.find, id)).map(articleOf)[0]

  return {
    offer: async (article) => ({
      ...article,
      id: (await run(sql.insert, ...insertValues(article))).insertId,
    }),
    find,
    onSale: (query) => {
      const { statement, values } = onSaleSql(query)
      return slice(statement, values, query)
    },
    ofSeller: (sellerId, range) => slice(sql.ofSeller, [sellerId], range),
    ofBuyer: (buyerId, range) => slice(sql.ofBuyer, [buyerId], range),
    buy: async (id, buyerId, soldAt) => {
      const { affectedRows } = await run(sql.buy, buyerId, soldAt.getTime(), id, buyerId)
      const article = await find(id)
      if (affectedRows === 1 && article !== undefined) return { kind: 'bought', article }
      return { kind: refusedBuy(article, buyerId) }
    },
    withdraw: async (id, sellerId) => {
      if ((await run(sql.withdraw, id, sellerId)).affectedRows === 1) return { kind: 'withdrawn' }
      return { kind: refusedWithdrawal(await find(id), sellerId) }
    },
    insertIfEmpty: async (articles) => {
      const connection = await ask(pool.getConnection())
      try {
        return await ask(insertAlone(connection, articles))
      } finally {
        connection.release()
      }
    },
    close: () => pool.end(),
  }
}

/** Under a lock of the server, since two empty tables seen at once would be filled twice. */
async function insertAlone(connection: PoolConnection, articles: NewArticle[]): Promise<'inserted' | 'kept'> {
  const lock = "CONCAT(LEFT(DATABASE(), 40), '.articles.first')"
  const [[locked]] = await connection.query<RowDataPacket[]>(
    `SELECT GET_LOCK(${lock}, ${lockTimeoutSeconds}) AS got`,
  )
  if (locked?.got !== 1) throw new Error('Another process has been filling the table for too long.')
  try {
    const [present] = await connection.query<RowDataPacket[]>(sql.any)
    if (present.length > 0) return 'kept'
    await connection.beginTransaction()
    for (const article of articles) await connection.execute(sql.insert, insertValues(article))
    await connection.commit()
    return 'inserted'
  } catch (error) {
    await connection.rollback()
    throw error
  } finally {
    await connection.query(`SELECT RELEASE_LOCK(${lock})`)
  }
}

async function ask<T>(answer: Promise<T>): Promise<T> {
  return answer.catch((error) => {
    throw new ArticlesUnavailable('MySQL did not answer', { cause: error })
  })
}

const whole = (count: number) => Math.max(0, Math.trunc(count))
