// SecurityDomain
