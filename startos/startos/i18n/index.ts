import { setupI18n } from "@start9labs/start-sdk";
import dictionary, { DEFAULT_LANGUAGE } from "./dictionaries/default";
import translations from "./dictionaries/translations";

export const i18n = setupI18n(dictionary, translations, DEFAULT_LANGUAGE);
