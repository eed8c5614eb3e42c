import { readFileSync } from 'node:fs'

export type Language = 'fr' | 'en'

/** The stylesheet of all pages, served by the gateway so that its pages need nothing from the app. */
export const pageStyle = readFileSync(new URL('./page.css', import.meta.url), 'utf8')
export const pageStylePath = '/auth/style.css'

/** No script at all, nothing from elsewhere, in nobody's frame. */
export const pageSecurityPolicy =
  "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

/** The same for a page with a script: only files of ours run, and they ask only us. */
export const scriptedPageSecurityPolicy = `${pageSecurityPolicy}; script-src 'self'; connect-src 'self'`

/** Where a person's choice of language is kept: over https, and over plain http. */
export const languageCookies = { secure: '__Host-guichet-language', plain: 'guichet_language' } as const

export interface LanguageSources {
  /** The `lang` of the address, which wins. */
  readonly query: unknown
  /** The whole `Cookie` header. */
  readonly cookie: string | undefined
  readonly acceptLanguage: string | undefined
}

/** The language to answer in: what was asked for, what was chosen before, what the browser prefers, English. */
export function pickLanguage({ query, cookie, acceptLanguage }: LanguageSources): Language {
  if (isLanguage(query)) return query
  const chosen = chosenIn(cookie, languageCookies.secure) ?? chosenIn(cookie, languageCookies.plain)
  if (isLanguage(chosen)) return chosen
  return preferred(acceptLanguage ?? '') ?? 'en'
}

const chosenIn = (cookie = '', name: string): string | undefined =>
  new RegExp(`(?:^|;\\s*)${name}=(\\w+)`).exec(cookie)?.[1]

export const isLanguage = (value: unknown): value is Language => value === 'fr' || value === 'en'

/** RFC 9110 §12.5.4, with regions ignored: `fr-CA` is answered in French. */
function preferred(acceptLanguage: string): Language | null {
  const wishes = acceptLanguage.split(',', 20).map((wish) => {
    const [range = '', ...parameters] = wish.split(';').map((part) => part.trim().toLowerCase())
    const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
    return { language: range.split('-')[0], quality: quality === undefined ? 1 : Number(quality) || 0 }
  })
  const best = wishes
    .filter(({ language, quality }) => isLanguage(language) && quality > 0)
    .toSorted((a, b) => b.quality - a.quality)[0]
  return isLanguage(best?.language) ? best.language : null
}

export interface Page {
  readonly language: Language
  /** Text, escaped here. */
  readonly title: string
  /** HTML: what comes from outside must have passed `escapeHtml`. */
  readonly body: string
  /** HTML for the head. */
  readonly head?: string
  /** More than one form fits: a page of several sections. */
  readonly isWide?: boolean
  /** The same page in each language; without it there is nothing to switch. */
  readonly languageLinks?: Readonly<Record<Language, string>>
}

const words = {
  fr: { skip: 'Aller au contenu', languages: 'Langue' },
  en: { skip: 'Skip to content', languages: 'Language' },
} as const

/** A whole document: one card in the middle, readable on a phone, in the dark, by keyboard and by ear. */
export function renderPage({
  language,
  title,
  body,
  head = '',
  isWide = false,
  languageLinks,
}: Page): string {
  const { skip, languages } = words[language]
  const switcher =
    languageLinks === undefined
      ? ''
      : `<nav aria-label="${languages}">${languageLink('fr', 'Français', language, languageLinks)}${languageLink('en', 'English', language, languageLinks)}</nav>`
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)} · Guichet</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="${pageStylePath}">
${head}
</head>
<body>
<a class="skip" href="#content">${skip}</a>
<header><span class="brand"><img src="${icon}" alt="" width="28" height="28">Guichet</span>${switcher}</header>
<main id="content" tabindex="-1"${isWide ? ' class="wide"' : ''}>
${body}
</main>
</body>
</html>
`
}

function languageLink(
  language: Language,
  name: string,
  current: Language,
  links: Readonly<Record<Language, string>>,
): string {
  const mark = language === current ? ' aria-current="true"' : ''
  return `<a href="${escapeHtml(links[language])}" lang="${language}" hreflang="${language}"${mark}>${name}</a>`
}

const icon = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 28 28"><rect width="28" height="28" rx="8" fill="#4338ca"/><path d="M7 21V13a7 7 0 0 1 14 0v8" fill="none" stroke="#fff" stroke-width="2.4"/><path d="M5 21h18M14 12v4" stroke="#fff" stroke-width="2.4" stroke-linecap="round"/></svg>',
)}`

/** Text as it may stand in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
