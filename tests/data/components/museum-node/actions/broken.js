// Cannot be loaded.
throw new Error('a module is missing');
