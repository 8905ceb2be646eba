// ManagedHSMService
