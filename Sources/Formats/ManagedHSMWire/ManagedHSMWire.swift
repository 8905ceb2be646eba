// ManagedHSMWire
