// SigstoreFormats
