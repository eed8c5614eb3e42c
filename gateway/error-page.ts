import type { Problem } from './error-reply.ts'
import type { ErrorCode } from './errors.ts'
import { escapeHtml, type Language, renderPage } from './page.ts'

/** What a person in front of a browser reads; the table's English sentences serve English. */
const french: Partial<Record<ErrorCode, { title: string; sentence: string }>> = {
  'cross-site': {
    title: 'Formulaire refusé',
    sentence: 'Ce formulaire vient d’un autre site. Ouvrez la page elle-même et recommencez.',
  },
  'not-found': { title: 'Page introuvable', sentence: 'Rien n’est servi à cette adresse.' },
  'body-too-large': {
    title: 'Envoi trop lourd',
    sentence: 'Ce que vous envoyez dépasse la taille acceptée ici.',
  },
  'quota-exceeded': {
    title: 'Quota atteint',
    sentence:
      'Vous avez fait tous les appels permis pour le moment. Rien n’est perdu : revenez quand le délai est passé.',
  },
  'internal-error': {
    title: 'Erreur de la passerelle',
    sentence: 'La passerelle a échoué. L’exploitant retrouve cet incident par son numéro.',
  },
  'upstream-unreachable': {
    title: 'Service injoignable',
    sentence: 'Le service ne répond pas. Réessayez dans un instant.',
  },
  'upstream-broken': {
    title: 'Mauvaise réponse du service',
    sentence: 'Le service a répondu de travers. Réessayez dans un instant.',
  },
  'upstream-timeout': {
    title: 'Service trop lent',
    sentence: 'Le service n’a pas répondu à temps. Réessayez dans un instant.',
  },
  'store-unavailable': {
    title: 'Momentanément indisponible',
    sentence: 'Une partie de la passerelle est absente un instant. Réessayez bientôt.',
  },
  overloaded: { title: 'Trop de monde', sentence: 'Trop de demandes en ce moment. Réessayez bientôt.' },
}

const words = {
  fr: {
    wait: 'Prochain appel possible dans',
    home: 'Retour à l’accueil',
    request: 'Numéro de la demande',
    error: 'Erreur',
  },
  en: {
    wait: 'Your next call passes in',
    home: 'Back to the home page',
    request: 'Request number',
    error: 'Error',
  },
} as const

/** A plain page that says what happened, when to come back, and which number to give the operator. */
export function renderErrorPage(problem: Problem, language: Language): string {
  const text = (language === 'fr' ? french[problem.code] : undefined) ?? {
    title: problem.title,
    sentence: problem.detail,
  }
  const word = words[language]
  const wait =
    problem.retryAfterSeconds === undefined
      ? ''
      : `<p class="wait">${word.wait} <strong>${spokenDuration(problem.retryAfterSeconds)}</strong>.</p>`
  return renderPage({
    language,
    title: text.title,
    body: `<h1>${escapeHtml(text.title)}</h1>
<p>${escapeHtml(text.sentence)}</p>
${wait}
<p><a href="/">${word.home}</a></p>
<p class="fine">${word.error} ${problem.status} · ${word.request} ${escapeHtml(problem.requestId)}</p>`,
  })
}

/** `9 min 41 s`, read alike in both languages. */
export function spokenDuration(seconds: number): string {
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60]
  const parts = [
    hours > 0 ? `${hours} h` : '',
    minutes > 0 ? `${minutes} min` : '',
    rest > 0 ? `${rest} s` : '',
  ]
  return parts.filter((part) => part !== '').join(' ') || '0 s'
}
