import type { Language } from './language.ts'

export interface Formats {
  price(cents: number): string
  date(date: Date): string
}

const made = { fr: formats('fr-FR'), en: formats('en-GB') }

/** How a language writes money and days. A zero price is told in words by the page. */
export function formatsOf(lang: Language): Formats {
  return made[lang]
}

function formats(locale: string): Formats {
  const money = new Intl.NumberFormat(locale, { style: 'currency', currency: 'EUR' })
  const day = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'Europe/Paris' })
  return { price: (cents) => money.format(cents / 100), date: (date) => day.format(date) }
}
