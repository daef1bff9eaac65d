/** Texts of the marketplace, at most 80 and 500 characters. */
export const short = {
  en_US: "Control plane and GPU arbiter of your DGX Sparks",
  es_ES: "Plano de control y árbitro de GPU de tus DGX Spark",
  de_DE: "Steuerung und GPU-Verteilung deiner DGX Sparks",
  pl_PL: "Sterowanie i przydział GPU twoich DGX Spark",
  fr_FR: "Plan de contrôle et arbitre des GPU de vos DGX Spark",
};

export const long = {
  en_US:
    "Spark Control decides which AI model owns the GPUs of one or two NVIDIA DGX Sparks. One click swaps models, with progress and a plain reason when a load fails. Programs reserve the GPUs, swap, and get a webhook. Chat, speech, embeddings and reranking are served under one address. Nothing is installed on the Sparks, and nothing leaves your network.",
  es_ES:
    "Spark Control decide qué modelo de IA usa las GPU de uno o dos NVIDIA DGX Spark. Un clic cambia de modelo, con progreso y una razón clara si la carga falla. Los programas reservan las GPU, cambian de modelo y reciben un webhook. Chat, voz, embeddings y reranking bajo una sola dirección. No se instala nada en los Spark y nada sale de tu red.",
  de_DE:
    "Spark Control entscheidet, welchem KI-Modell die GPUs von einem oder zwei NVIDIA DGX Sparks gehören. Ein Klick wechselt das Modell, mit Fortschritt und klarem Grund, wenn ein Start scheitert. Programme reservieren die GPUs, wechseln und bekommen einen Webhook. Chat, Sprache, Embeddings und Reranking unter einer Adresse. Auf den Sparks wird nichts installiert, nichts verlässt dein Netz.",
  pl_PL:
    "Spark Control decyduje, który model AI używa GPU jednego lub dwóch NVIDIA DGX Spark. Jedno kliknięcie zmienia model, z postępem i jasnym powodem, gdy ładowanie się nie uda. Programy rezerwują GPU, zmieniają model i dostają webhook. Czat, mowa, embeddingi i reranking pod jednym adresem. Na Sparkach niczego się nie instaluje i nic nie opuszcza twojej sieci.",
  fr_FR:
    "Spark Control décide quel modèle d'IA utilise les GPU d'un ou deux NVIDIA DGX Spark. Un clic change de modèle, avec la progression et une raison claire si le chargement échoue. Les programmes réservent les GPU, changent de modèle et reçoivent un webhook. Chat, voix, embeddings et reranking sous une seule adresse. Rien n'est installé sur les Spark, rien ne quitte votre réseau.",
};
