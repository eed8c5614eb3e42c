import { spokenDuration } from '../../error-page.ts'
import { escapeHtml, type Language, renderPage } from '../../page.ts'

/** One line of a form. Texts are escaped here. */
export interface Field {
  readonly name: string
  /** On a page with several forms; else its name. */
  readonly id?: string
  readonly label: string
  /** What helps before anything is typed. */
  readonly hint?: string
  /** What is wrong with what was typed, with the cure. */
  readonly problem?: string
  readonly value?: string
  /** HTML: type, autocomplete and the like. */
  readonly attributes: string
}

/** What stands above a form: a notice that all went well, or an alert. */
export interface Saying {
  readonly kind: 'notice' | 'alert'
  readonly sentence: string
}

export interface FormPage {
  readonly language: Language
  readonly title: string
  readonly intro: string
  readonly saying: Saying | null
  /** Where it stands and where it is posted to. */
  readonly path: string
  /** What goes along unseen, and into the links to the other language. */
  readonly kept: Readonly<Record<string, string>>
  readonly fields: readonly Field[]
  readonly submit: string
  /** HTML: below the button, within the form. */
  readonly more?: string
  /** HTML: below the form. */
  readonly after: string
}

/** A page with one form that works without a script and by keyboard alone. */
export function renderFormPage(page: FormPage): string {
  const { language, title, path, kept, saying, fields } = page
  const pageIn = (lang: Language): string => `${path}?${new URLSearchParams({ lang, ...kept })}`
  // The eye and the screen reader land where something is to be done: what is wrong, what is empty, the button.
  const focused = fields.find(({ problem }) => problem !== undefined) ?? fields.find(({ value }) => !value)
  const described = saying?.kind === 'alert' && focused === undefined ? ' aria-describedby="saying"' : ''
  return renderPage({
    language,
    title,
    languageLinks: { fr: pageIn('fr'), en: pageIn('en') },
    body: `<h1>${escapeHtml(title)}</h1>
<p class="fine">${escapeHtml(page.intro)}</p>
${saying === null ? '' : renderSaying(saying)}
<form method="post" action="${path}">
${renderHidden({ lang: language, ...kept })}
${fields.map((field) => renderField(field, field === focused, saying)).join('\n')}
<button type="submit"${focused === undefined ? ' autofocus' : ''}${described}>${escapeHtml(page.submit)}</button>
${page.more ?? ''}
</form>
${page.after}`,
  })
}

export function renderSaying({ kind, sentence }: Saying): string {
  const role = kind === 'alert' ? 'alert' : 'status'
  return `<p class="${kind}" role="${role}" id="saying">${escapeHtml(sentence)}</p>`
}

/** What a form sends along unseen. */
export const renderHidden = (values: Readonly<Record<string, string>>): string =>
  Object.entries(values)
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`)
    .join('\n')

export function renderField(field: Field, isFocused: boolean, saying: Saying | null): string {
  const { name, id = name, label, hint, problem, value = '', attributes } = field
  // What is wrong takes the place of the hint: one sentence tells what would be right.
  const advice = problem === undefined ? hint : problem
  const describers = [
    ...(advice === undefined ? [] : [`${id}-advice`]),
    ...(isFocused && saying?.kind === 'alert' ? ['saying'] : []),
  ]
  const marks = [
    ...(problem === undefined ? [] : ['aria-invalid="true"']),
    ...(describers.length === 0 ? [] : [`aria-describedby="${describers.join(' ')}"`]),
    ...(isFocused ? ['autofocus'] : []),
  ]
  const kind = problem === undefined ? 'hint' : 'problem'
  return `<div class="field"><label for="${id}">${escapeHtml(label)}</label>
${advice === undefined ? '' : `<p class="${kind}" id="${id}-advice">${escapeHtml(advice)}</p>\n`}<input id="${id}" name="${name}" ${attributes} required value="${escapeHtml(value)}" ${marks.join(' ')}></div>`
}

const nameAttributes = (autocomplete: string): string =>
  `type="text" autocomplete="${autocomplete}" maxlength="200"`

/** How browsers, password managers and phones' keyboards know a field. */
export const fieldAttributes = {
  firstName: nameAttributes('given-name'),
  lastName: nameAttributes('family-name'),
  email:
    'type="email" inputmode="email" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="254"',
  /** An address that is no login yet. */
  newEmail:
    'type="email" inputmode="email" autocomplete="email" autocapitalize="none" spellcheck="false" maxlength="254"',
  currentPassword: 'type="password" autocomplete="current-password" maxlength="1024"',
  newPassword: 'type="password" autocomplete="new-password" minlength="8" maxlength="1024"',
  code: 'type="text" inputmode="numeric" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" maxlength="20" pattern="[\\s\\-]*(\\d[\\s\\-]*){6}"',
} as const

/** Why a form comes back, whatever it is for. */
export type FormProblem =
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number }
  | { readonly kind: 'unavailable' }
  /** A field is missing or is no text: the page was not filled in by its form. */
  | { readonly kind: 'incomplete' }

const words = {
  fr: {
    limited: (wait: string) => `Trop de tentatives. Réessayez dans ${wait}.`,
    unavailable: 'C’est indisponible un instant. Réessayez dans quelques secondes.',
    incomplete: 'Remplissez tous les champs.',
  },
  en: {
    limited: (wait: string) => `Too many attempts. Try again in ${wait}.`,
    unavailable: 'This is unavailable for a moment. Try again in a few seconds.',
    incomplete: 'Fill in all fields.',
  },
} as const

export function sayProblem(problem: FormProblem, language: Language): Saying {
  const word = words[language]
  const sentence =
    problem.kind === 'limited' ? word.limited(spokenDuration(problem.retryAfterSeconds)) : word[problem.kind]
  return { kind: 'alert', sentence }
}

/** A link as HTML. */
export function renderLink(path: string, query: Readonly<Record<string, string>>, text: string): string {
  const search = new URLSearchParams(query).toString()
  return `<a href="${escapeHtml(search === '' ? path : `${path}?${search}`)}">${escapeHtml(text)}</a>`
}
