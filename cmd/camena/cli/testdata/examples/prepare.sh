# What the examples in the helps of commands are about.
camena elements create Topic Topic::orders --set displayName=orders
camena elements create Topic Topic::invoices
camena elements link DataFlow Topic::orders Topic::invoices --guid 0b4ee7f4-1f5d-5c7e-9b7a-7e0c6d9f3a10
camena elements update Topic::orders --set description=all
camena elements update Topic::orders --set 'description=All orders'
camena elements create FileFolder FileFolder::in
camena elements create Connection Connection::quickstart
camena elements create IntegrationGroup IntegrationGroup::default
camena elements create Person Person::17
camena elements create SoftwareCapability SoftwareCapability::crm
camena elements external-id add Person::17 4711 --scope SoftwareCapability::crm
camena elements create SoftwareServer 'Server::~{host}~' --set 'displayName=~{host}~:~{port}~' --classification Template
camena elements create IntegrationConnector IntegrationConnector::quickstart
camena elements create DataFile DataFile::a.csv --source IntegrationConnector::old
camena elements create DataFile DataFile::b.csv
camena elements link DataFlow Topic::invoices Topic::orders --guid 7f0c2c4e-9a53-5d0b-8a51-2f4f1c6d8e90 --source IntegrationConnector::old
