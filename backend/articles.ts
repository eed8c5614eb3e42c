export const categories = [
  'dvd',
  'livre',
  'jeu',
  'velo',
  'musique',
  'informatique',
  'maison',
  'autre',
] as const
export type Category = (typeof categories)[number]

export interface NewArticle {
  title: string
  category: Category
  priceCents: number
  /** May be empty. */
  description: string
  sellerId: string
  /** As it was on the day of the offer; may be empty. */
  sellerName: string
  listedAt: Date
}

export interface Article extends NewArticle {
  id: number
  /** Absent while the article is on sale. */
  sale?: { buyerId: string; soldAt: Date }
}

export interface Slice {
  limit: number
  offset: number
}

export interface OnSaleQuery extends Slice {
  /** Found in title or description, whatever the case and the accents. */
  text?: string
  category?: Category
}

/** `hasMore` tells whether another slice follows; a total would cost a full count at every call. */
export interface ArticleSlice {
  articles: Article[]
  hasMore: boolean
}

export type BuyOutcome =
  | { kind: 'bought'; article: Article }
  | { kind: 'already-sold' }
  | { kind: 'own-article' }
  | { kind: 'not-found' }

export type WithdrawOutcome = { kind: 'withdrawn' | 'already-sold' | 'not-yours' | 'not-found' }

/**
 * The shelf of EtuServices. Every list is newest first. All methods reject with ArticlesUnavailable when the database
 * cannot be asked. `articles.contract.ts` is what every home must pass.
 */
export interface Articles {
  offer(article: NewArticle): Promise<Article>
  find(id: number): Promise<Article | undefined>
  onSale(query: OnSaleQuery): Promise<ArticleSlice>
  /** On sale and sold alike. */
  ofSeller(sellerId: string, slice: Slice): Promise<ArticleSlice>
  ofBuyer(buyerId: string, slice: Slice): Promise<ArticleSlice>
  /** Of any number of buyers at once exactly one gets `bought`. */
  buy(id: number, buyerId: string, soldAt: Date): Promise<BuyOutcome>
  /** The article is gone for good; its id is never given again. */
  withdraw(id: number, sellerId: string): Promise<WithdrawOutcome>
  /** All of them, or none when there already is an article; two processes that start together insert them once. */
  insertIfEmpty(articles: NewArticle[]): Promise<'inserted' | 'kept'>
  close(): Promise<void>
}

export class ArticlesUnavailable extends Error {
  override name = 'ArticlesUnavailable'
}

/** The text that `onSale` searches in: without case, accents and compatibility forms, the same in every database. */
export function searchable(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/\p{Mn}/gu, '')
    .toLowerCase()
}
