// The pages stay readable without a network where the browser has service workers.
navigator.serviceWorker?.register("/sw.js");
