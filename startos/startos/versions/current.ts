import { IMPOSSIBLE, VersionInfo } from "@start9labs/start-sdk";

export const current = VersionInfo.of({
  version: "1.0.0:0",
  releaseNotes: {
    en_US:
      "A new Spark Control. Models, services, addresses, SSH key, known hosts and webhook of the earlier version are taken over at the first start; the dashboard shows what was not. It cannot be downgraded: make a backup first.",
    es_ES:
      "Un Spark Control nuevo. Modelos, servicios, direcciones, clave SSH, hosts conocidos y webhook de la versión anterior se adoptan en el primer inicio; el panel muestra lo que no. No se puede volver atrás: haz antes una copia de seguridad.",
    de_DE:
      "Ein neues Spark Control. Modelle, Dienste, Adressen, SSH-Schlüssel, bekannte Hosts und Webhook der früheren Version werden beim ersten Start übernommen; was nicht, zeigt das Dashboard. Ein Zurück gibt es nicht: vorher ein Backup machen.",
    pl_PL:
      "Nowy Spark Control. Modele, usługi, adresy, klucz SSH, znane hosty i webhook wcześniejszej wersji są przejmowane przy pierwszym starcie; panel pokazuje, czego nie przejęto. Nie można wrócić do starszej wersji: najpierw zrób kopię zapasową.",
    fr_FR:
      "Un nouveau Spark Control. Modèles, services, adresses, clé SSH, hôtes connus et webhook de la version précédente sont repris au premier démarrage ; le tableau de bord montre ce qui ne l'est pas. Pas de retour possible : faites d'abord une sauvegarde.",
  },
  migrations: {
    // The controller takes over what the earlier version left, at its first start: it has the readers of those files.
    up: async () => {},
    // Databases of this version are not read by an earlier one.
    down: IMPOSSIBLE,
  },
});
