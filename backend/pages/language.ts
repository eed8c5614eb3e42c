import { en } from './words.en.ts'
import { fr, type Words } from './words.fr.ts'

export type Language = 'fr' | 'en'

export const words: Record<Language, Words> = { fr, en }

/** What a visitor asked for, the strongest first: `?lang=`, the cookie of an earlier `?lang=`, Accept-Language; else French. */
export function languageOf(
  asked: unknown,
  cookie: string | undefined,
  acceptLanguage: string | undefined,
): Language {
  if (isLanguage(asked)) return asked
  const remembered = /(?:^|;\s*)lang=(fr|en)(?:;|$)/.exec(cookie ?? '')?.[1]
  if (isLanguage(remembered)) return remembered
  return preferred(acceptLanguage ?? '')
}

export function isLanguage(value: unknown): value is Language {
  return value === 'fr' || value === 'en'
}

function preferred(acceptLanguage: string): Language {
  const quality = { fr: 0, en: 0 }
  for (const range of acceptLanguage.slice(0, 500).split(',')) {
    const match = /^\s*(fr|en)(?:-[\w-]+)?\s*(?:;\s*q=([\d.]+))?\s*$/i.exec(range)
    const language = match?.[1]?.toLowerCase()
    if (isLanguage(language)) quality[language] = Math.max(quality[language], Number(match?.[2] ?? 1) || 0)
  }
  return quality.en > quality.fr ? 'en' : 'fr'
}
