DROP TABLE document_numbers;
DROP TABLE document_deliveries;
DROP TABLE documents;
