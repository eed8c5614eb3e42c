import type { Category, NewArticle } from './articles.ts'

type Offer = [title: string, category: Category, euros: number, description: string]

const offers: Offer[] = [
  ['Le Petit Prince', 'livre', 4.5, 'Folio, quelques pages cornées.'],
  ['Amélie Poulain', 'dvd', 3, 'Édition simple, boîtier intact.'],
  ['Catan', 'jeu', 18, 'Complet, règles en français et en anglais.'],
  ['Vélo de ville 28"', 'velo', 85, 'Freins neufs, antivol compris. À voir sur le campus.'],
  ['Algèbre linéaire, cours et exercices', 'livre', 12, 'Licence 1 et 2.'],
  ['Guitare classique', 'musique', 60, 'Cordes changées en septembre, avec housse.'],
  ['Écran 24 pouces', 'informatique', 55, 'Full HD, câble HDMI compris.'],
  ['Lampe de bureau', 'maison', 8, ''],
  ['Intouchables', 'dvd', 2.5, ''],
  ['Les Misérables, tomes 1 à 3', 'livre', 9, 'Le Livre de poche.'],
  ['Échecs de voyage', 'jeu', 6, 'Aimantés.'],
  ['VTT 26"', 'velo', 110, 'Pneus récents, selle à régler.'],
  ['Clavier mécanique', 'informatique', 30, 'AZERTY, interrupteurs bruns.'],
  ['La Haine', 'dvd', 4, 'Deux disques.'],
  ['Chimie organique', 'livre', 15, 'Surligné au premier chapitre.'],
  ['Ukulélé', 'musique', 22, 'Avec accordeur.'],
  ['Bouilloire', 'maison', 7.5, '1,7 litre, détartrée.'],
  ['Dixit', 'jeu', 14, 'Une carte un peu pliée.'],
  ['Trottinette', 'velo', 35, 'Pliante, roues de 200 mm.'],
  ['L’Étranger', 'livre', 2, ''],
  ['Persepolis', 'dvd', 3.5, ''],
  ['Souris sans fil', 'informatique', 6, 'Pile fournie.'],
  ['Vinyles de jazz (lot de 5)', 'musique', 20, 'Davis, Coltrane, Monk, Evans, Mingus.'],
  ['Cartons de déménagement', 'autre', 0, 'Une dizaine, à venir chercher.'],
]

const sellers = [
  ['demo-lea', 'Léa Bernard'],
  ['demo-karim', 'Karim Haddad'],
  ['demo-ines', 'Inès Moreau'],
  ['demo-tom', 'Tom Nguyen'],
  ['demo-chloe', 'Chloé Petit'],
] as const

const stepMs = 5 * 3_600_000

/** Two dozen articles of five sellers whom no account can be, the newest offered just before `now`. */
export function demoArticles(now: Date): NewArticle[] {
  return offers.map(([title, category, euros, description], n) => {
    const [sellerId, sellerName] = sellers[n % sellers.length] ?? sellers[0]
    const listedAt = new Date(now.getTime() - (offers.length - n) * stepMs)
    return {
      title,
      category,
      priceCents: Math.round(euros * 100),
      description,
      sellerId,
      sellerName,
      listedAt,
    }
  })
}
