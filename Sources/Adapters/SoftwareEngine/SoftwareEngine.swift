// SoftwareEngine
