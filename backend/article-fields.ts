import Type from 'typebox'
import { categories } from './articles.ts'
import { Refusal } from './refusal.ts'

// Lengths count code points, as the database columns do. \p{Cs} is half a surrogate pair, which no database keeps.
const oneLine = String.raw`^(?=.*\S)[^\p{Cc}\p{Cs}\u2028\u2029]*$`
const manyLines = String.raw`^(?:[^\p{Cc}\p{Cs}]|[\t\n\r])*$`

/** The fields of an article that its seller chooses, the same for the JSON API and the sell form. */
export const articleFields = {
  title: Type.String({
    minLength: 1,
    maxLength: 120,
    pattern: oneLine,
    description: 'One line with at least one visible character, no control characters',
  }),
  category: Type.Enum(categories),
  priceCents: Type.Integer({ minimum: 0, maximum: 10_000_000, description: 'Euro cents' }),
  description: Type.String({ maxLength: 2_000, pattern: manyLines }),
}

/** The search words as typed; what no article can contain is simply not found. */
export const searchText = Type.String({ maxLength: 200 })

/**
 * An id as it stands in a path.
 *
 * @throws Refusal `not-found` when no article can have it
 */
export function articleIdOf(text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new Refusal('not-found')
  return Number(text)
}
