import { Compile } from 'typebox/compile'
import { articleFields } from '../article-fields.ts'
import type { Category } from '../articles.ts'

/** As typed, so that a refused form comes back filled in. */
export interface SellForm {
  title: string
  category: string
  price: string
  description: string
}

export type SellMistake = keyof SellForm

export type ReadSellForm =
  | {
      kind: 'complete'
      fields: { title: string; category: Category; priceCents: number; description: string }
    }
  | { kind: 'mistaken'; form: SellForm; mistakes: SellMistake[] }

export const emptySellForm: SellForm = { title: '', category: '', price: '', description: '' }

const check = {
  title: Compile(articleFields.title),
  category: Compile(articleFields.category),
  price: Compile(articleFields.priceCents),
  description: Compile(articleFields.description),
}

/** Reads the posted form. People type spaces around a title, and browsers send lines ended by CR LF. */
export function readSellForm(form: SellForm): ReadSellForm {
  const title = form.title.trim()
  const { category } = form
  const priceCents = priceCentsOf(form.price)
  const description = form.description.replaceAll('\r\n', '\n').trim()
  const values = { title, category, price: priceCents, description }
  const names = ['title', 'category', 'price', 'description'] as const
  const mistakes = names.filter((name) => !check[name].Check(values[name]))
  if (mistakes.length > 0 || priceCents === undefined || !check.category.Check(category)) {
    return { kind: 'mistaken', form, mistakes }
  }
  return { kind: 'complete', fields: { title, category, priceCents, description } }
}

/** `4,50` and `4.5 €` alike are 450 cents; undefined when it is no amount of money. */
export function priceCentsOf(text: string): number | undefined {
  const match = /^(\d{1,6})(?:[.,](\d{1,2}))?€?$/.exec(text.replace(/\s/g, ''))
  if (match === null) return undefined
  return Number(match[1]) * 100 + Number((match[2] ?? '').padEnd(2, '0'))
}
