/** Of the dashboard and the API. */
export const PORT = 9999;
/** Where the volume is in the container. */
export const DATA_DIR = "/data";
/** Of the image's user. */
export const USER_ID = 65532;
export const HOST_ID = "ui";
export const INTERFACE_ID = "ui";
/** Within the service, the daemon shares the network of these scripts. */
export const CONTROLLER = `http://127.0.0.1:${PORT}`;
